#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "dsp/note_transcription.h"
#include "engine/error.h"
#include "tests/support/synthetic_polyphony.h"

using namespace ondes;

namespace {

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(share * static_cast<double>(values.size() - 1)));
}

}  // namespace

TEST_CASE("a score's notes are heard, on time and in tune; notes that are not played are not") {
  for (const int voices : {1, 2, 4}) {
    std::size_t notes = 0;
    std::size_t heard = 0;
    std::size_t masked = 0;
    std::size_t ghosts = 0;
    std::size_t ghosts_heard = 0;
    std::vector<double> onset_errors_ms;
    std::vector<double> pitch_errors_cents;
    for (unsigned seed = 1; seed <= 3; ++seed) {
      const SyntheticPolyphony p = make_polyphony(seed + 50, {.max_voices = voices});
      std::vector<NoteEvent> score = p.notes;
      for (NoteEvent ghost : p.notes) {  // between the keys of a tritone and a fifth above
        ghost.hz *= std::exp2(6.5 / 12.0);
        const std::vector<NoteEvent> with_ghost = [&] {
          std::vector<NoteEvent> all = p.notes;
          all.push_back(ghost);
          return all;
        }();
        const MeasuredNote m = measure_notes(p.samples, 24000.0, with_ghost).back();
        ghosts += m.masked ? 0U : 1U;
        ghosts_heard += m.heard && !m.masked ? 1U : 0U;
      }
      for (const MeasuredNote& m : measure_notes(p.samples, 24000.0, score)) {
        ++notes;
        heard += m.heard && !m.masked ? 1U : 0U;
        masked += m.masked ? 1U : 0U;
        CHECK((m.reason.empty() || !m.onset_error_ms || !m.pitch_error_cents));
        if (m.onset_error_ms) {
          onset_errors_ms.push_back(*m.onset_error_ms);
        }
        if (m.pitch_error_cents) {
          pitch_errors_cents.push_back(std::abs(*m.pitch_error_cents));
        }
      }
    }
    std::printf(
        "1..%d voices: %zu notes, %zu heard, %zu masked; %zu onsets, error median %.1f ms, 95 %% "
        "below %.1f; pitch error median %.2f cents, 95 %% below %.2f; %zu of %zu ghosts "
        "heard\n",
        voices, notes, heard, masked, onset_errors_ms.size(), percentile(onset_errors_ms, 0.5),
        percentile(onset_errors_ms, 0.95), percentile(pitch_errors_cents, 0.5),
        percentile(pitch_errors_cents, 0.95), ghosts_heard, ghosts);
    CHECK(heard + masked >= notes - notes / 50);
    CHECK(ghosts_heard * 8 <= ghosts);
    // Attacks of 3 to 20 ms read half of that late.
    CHECK(percentile(onset_errors_ms, 0.5) == Approx(5.5).margin(2.0));
    CHECK(percentile(onset_errors_ms, 0.95) < 15.0);
    CHECK(percentile(pitch_errors_cents, 0.95) < 1.0);
    CHECK(onset_errors_ms.size() * 5 > notes);  // those that stand clear of the others
  }
}

TEST_CASE("notes that are late or out of tune are measured as such") {
  const SyntheticPolyphony p = make_polyphony(7, {.max_voices = 1});
  const std::vector<MeasuredNote> straight = measure_notes(p.samples, 24000.0, p.notes);
  std::vector<NoteEvent> moved = p.notes;
  for (NoteEvent& note : moved) {
    note.onset_s -= 0.03;
    note.hz *= std::exp2(-20.0 / 1200.0);
  }
  const std::vector<MeasuredNote> m = measure_notes(p.samples, 24000.0, moved);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < m.size(); ++i) {
    if (m[i].onset_error_ms && straight[i].onset_error_ms) {
      CHECK(*m[i].onset_error_ms == Approx(*straight[i].onset_error_ms + 30.0).margin(2.0));
      CHECK(*m[i].pitch_error_cents == Approx(*straight[i].pitch_error_cents + 20.0).margin(1.0));
      ++compared;
    }
  }
  CHECK(compared * 4 > m.size());
}

TEST_CASE("what cannot be heard has its reason") {
  const SyntheticPolyphony p = make_polyphony(8, {.max_voices = 1});
  std::vector<NoteEvent> score = p.notes;
  NoteEvent late;
  late.onset_s = 1000.0;
  late.offset_s = 1001.0;
  NoteEvent high;
  high.offset_s = 0.5;
  high.hz = 12544.0;
  score.push_back(late);
  score.push_back(high);
  const std::vector<MeasuredNote> m = measure_notes(p.samples, 24000.0, score);
  CHECK(m[score.size() - 2].reason == "the sound ends before it");
  CHECK(m[score.size() - 1].reason == "its pitch is above what the rate can hold");
  for (const MeasuredNote& note : measure_notes(std::vector<float>(48000), 24000.0, p.notes)) {
    CHECK(!note.heard);
    CHECK(!note.reason.empty());
    CHECK(!note.level_db);
  }
  CHECK(measure_notes(std::vector<float>(), 24000.0, p.notes).size() == p.notes.size());
  CHECK(measure_notes(p.samples, 24000.0, {}).empty());
}

TEST_CASE("an octave has no partial of its own") {
  NoteEvent low;
  low.onset_s = 0.2;
  low.offset_s = 0.7;
  low.hz = 220.0;
  NoteEvent octave = low;
  octave.hz = 440.0;
  const SyntheticPolyphony p = make_polyphony(9, {.max_voices = 1});
  const std::vector<NoteEvent> score = {low, octave};
  const std::vector<MeasuredNote> m = measure_notes(p.samples, 24000.0, score);
  CHECK(m[1].masked);
  CHECK(m[1].heard);
  CHECK(!m[0].masked);
}

TEST_CASE("scores and sounds that make no sense are refused") {
  const std::vector<float> x(4000, 0.1F);
  NoteEvent empty;
  empty.offset_s = 0.0;
  const std::vector<NoteEvent> score = {empty};
  CHECK_THROWS_WITH(measure_notes(x, 24000.0, score), Catch::Contains("score note 0"));
  CHECK_THROWS_AS(measure_notes(x, 10.0, {}), Error);
  std::vector<float> bad = x;
  bad[9] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(measure_notes(bad, 24000.0, {}), Catch::Contains("sample 9"));
  CHECK_THROWS_AS(measure_notes(x, 24000.0, {}, {.search_after_s = 0.0}), Error);
}
