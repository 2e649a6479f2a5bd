#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <vector>

#include "dsp/metrics/note_metrics.h"
#include "dsp/note_transcription.h"
#include "engine/error.h"
#include "tests/support/synthetic_polyphony.h"

using namespace ondes;

namespace {

struct Counts {
  double reference = 0.0;
  double estimated = 0.0;
  double onset = 0.0;
  double onset_pitch = 0.0;
  double note = 0.0;

  double f(double pairs) const { return 2.0 * pairs / (reference + estimated); }
};

// Seeds that were not listened to while the method was tuned.
Counts transcribe(int max_voices, bool decaying, double rate_hz) {
  Counts counts;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const SyntheticPolyphonyOptions options{
        .rate_hz = rate_hz, .max_voices = max_voices, .decaying = decaying};
    const SyntheticPolyphony p =
        make_polyphony(seed + 100U * static_cast<unsigned>(max_voices), options);
    const std::vector<NoteEvent> found = transcribe_notes(p.samples, rate_hz);
    const NoteMetrics m = note_metrics(p.notes, found);
    counts.reference += static_cast<double>(p.notes.size());
    counts.estimated += static_cast<double>(found.size());
    counts.onset += static_cast<double>(m.onset.pairs.size());
    counts.onset_pitch += static_cast<double>(m.onset_pitch.pairs.size());
    counts.note += static_cast<double>(m.note.pairs.size());
  }
  return counts;
}

// With fades of 10 ms: a step is a click, which has no pitch.
std::vector<float> sine(double hz, double seconds, double rate_hz) {
  std::vector<float> x(static_cast<std::size_t>(seconds * rate_hz));
  for (std::size_t n = 0; n < x.size(); ++n) {
    const auto to_end = static_cast<double>(std::min(n, x.size() - n));
    const double fade = std::min(1.0, to_end / (0.01 * rate_hz));
    x[n] = static_cast<float>(
        0.3 * fade * std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz));
  }
  return x;
}

}  // namespace

TEST_CASE("notes of synthetic polyphony are found") {
  struct Row {
    int max_voices;
    bool decaying;
    double least_onset_f;
    double least_onset_pitch_f;
    double least_note_f;
  };
  // Floors about 0.05 below what is printed: one note more or less is 0.01 to 0.03.
  for (const Row& row : {Row{1, false, 0.93, 0.93, 0.9}, Row{1, true, 0.93, 0.93, 0.9},
                         Row{2, false, 0.88, 0.88, 0.7}, Row{2, true, 0.9, 0.9, 0.7},
                         Row{4, false, 0.72, 0.71, 0.5}, Row{4, true, 0.85, 0.85, 0.6}}) {
    const Counts c = transcribe(row.max_voices, row.decaying, 24000.0);
    std::printf(
        "1..%d voices, %-9s %3.0f notes: onset F %.3f, onset and pitch F %.3f, with offset "
        "F %.3f\n",
        row.max_voices, row.decaying ? "decaying" : "sustained", c.reference, c.f(c.onset),
        c.f(c.onset_pitch), c.f(c.note));
    CHECK(c.f(c.onset) >= row.least_onset_f);
    CHECK(c.f(c.onset_pitch) >= row.least_onset_pitch_f);
    CHECK(c.f(c.note) >= row.least_note_f);
  }
}

TEST_CASE("the rate makes little difference") {
  for (const double rate_hz : {16000.0, 44100.0}) {
    CAPTURE(rate_hz);
    const Counts c = transcribe(2, false, rate_hz);
    CHECK(c.f(c.onset_pitch) >= 0.85);
  }
}

TEST_CASE("silence and nothing hold no notes, one sine is one note") {
  CHECK(transcribe_notes(std::vector<float>(), 24000.0).empty());
  CHECK(transcribe_notes(std::vector<float>{0.5F}, 24000.0).empty());
  CHECK(transcribe_notes(std::vector<float>(24000, 0.0F), 24000.0).empty());
  std::vector<float> x(12000, 0.0F);
  const std::vector<float> tone = sine(440.0, 0.5, 24000.0);
  x.insert(x.end(), tone.begin(), tone.end());
  x.resize(x.size() + 12000, 0.0F);
  const std::vector<NoteEvent> notes = transcribe_notes(x, 24000.0);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].onset_s == Approx(0.5).margin(0.01));
  CHECK(notes[0].offset_s == Approx(1.0).margin(0.05));
  CHECK(std::abs(1200.0 * std::log2(notes[0].hz / 440.0)) < 5.0);
  CHECK(notes[0].level_db == Approx(20.0 * std::log10(0.3)).margin(0.5));
}

TEST_CASE("a key that is struck again is a second note") {
  std::vector<float> x;
  for (int strike = 0; strike < 3; ++strike) {
    std::vector<float> tone = sine(330.0, 0.4, 24000.0);
    for (std::size_t n = 0; n < tone.size(); ++n) {
      tone[n] *= static_cast<float>(std::exp(-static_cast<double>(n) / 4000.0));
    }
    x.insert(x.end(), tone.begin(), tone.end());
  }
  const std::vector<NoteEvent> notes = transcribe_notes(x, 24000.0);
  REQUIRE(notes.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(notes[i].onset_s == Approx(0.4 * static_cast<double>(i)).margin(0.03));
  }
}

TEST_CASE("the level does not decide what is found") {
  SyntheticPolyphony p = make_polyphony(5);
  const std::size_t loud = transcribe_notes(p.samples, 24000.0).size();
  for (float& sample : p.samples) {
    sample *= 0x1p-8F;
  }
  CHECK(transcribe_notes(p.samples, 24000.0).size() == loud);
}

TEST_CASE("rates, ranges and samples that make no sense are refused") {
  const std::vector<float> x(4000, 0.1F);
  CHECK_THROWS_WITH(transcribe_notes(x, 100.0), Catch::Contains("4000..768000"));
  CHECK_THROWS_WITH(transcribe_notes(x, 24000.0, {.min_hz = 500.0, .max_hz = 400.0}),
                    Catch::Contains("500"));
  CHECK_THROWS_AS(transcribe_notes(x, 24000.0, {.min_hz = 1.0}), Error);
  std::vector<float> bad = x;
  bad[9] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(transcribe_notes(bad, 24000.0), Catch::Contains("sample 9"));
}
