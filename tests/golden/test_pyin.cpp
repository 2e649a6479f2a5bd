// Tracks against librosa.pyin's (tests/golden/pyin/make_golden.py).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "dsp/audio_file.h"
#include "dsp/pyin.h"
#include "tests/support/golden_values.h"
#include "tests/support/npy_values.h"
#include "tests/support/test_data.h"

using namespace ondes;

namespace {

std::string golden(const std::string& name) {
  return golden_path("pyin/" + name + ".npy");
}

std::vector<float> load_signal(const std::string& name) {
  return read_npy_floats(golden(name)).values;
}

struct Expected {
  explicit Expected(const std::string& name) {
    const NpyValues<double> array = read_npy_doubles(golden(name));
    frames = static_cast<std::size_t>(array.shape.at(1));
    values = array.values;
  }
  double hz(std::size_t t) const { return values[t]; }
  bool voiced(std::size_t t) const { return values[frames + t] > 0.5; }
  double probability(std::size_t t) const { return values[2 * frames + t]; }

  std::size_t frames = 0;
  std::vector<double> values;
};

struct Agreement {
  std::size_t frames = 0;
  std::size_t both_voiced = 0;
  std::size_t same_voicing = 0;
  std::size_t within_a_cent = 0;
  std::size_t same_probability = 0;  // within 1e-6
  double worst_probability = 0.0;
};

Agreement compare(const PitchTrack& track, const Expected& expected) {
  Agreement agreement;
  REQUIRE(track.size() == expected.frames);
  agreement.frames = expected.frames;
  for (std::size_t t = 0; t < expected.frames; ++t) {
    const bool voiced = track.hz[t] > 0.0;
    agreement.same_voicing += voiced == expected.voiced(t) ? 1U : 0U;
    if (voiced && expected.voiced(t)) {
      ++agreement.both_voiced;
      agreement.within_a_cent +=
          std::abs(1200.0 * std::log2(track.hz[t] / expected.hz(t))) < 1.0 ? 1U : 0U;
    }
    const double distance = std::abs(track.voiced_probability[t] - expected.probability(t));
    agreement.same_probability += distance < 1e-6 ? 1U : 0U;
    agreement.worst_probability = std::max(agreement.worst_probability, distance);
  }
  return agreement;
}

void check(const Agreement& a) {
  CAPTURE(a.frames, a.both_voiced, a.same_voicing, a.within_a_cent, a.worst_probability);
  CHECK(static_cast<double>(a.same_voicing) >= 0.99 * static_cast<double>(a.frames));
  CHECK(static_cast<double>(a.within_a_cent) >= 0.99 * static_cast<double>(a.both_voiced));
  // A trough that rounding puts on the other side of a threshold moves that threshold's weight;
  // elsewhere only the last bits differ.
  CHECK(static_cast<double>(a.same_probability) >= 0.99 * static_cast<double>(a.frames));
}

}  // namespace

TEST_CASE("pYIN tracks synthetic signals as librosa does") {
  std::size_t voiced = 0;
  for (const char* name :
       {"sweep", "vibrato", "silence_to_tone", "noise", "pulses", "noisy_tone"}) {
    CAPTURE(name);
    const PitchTrack track = track_pitch_pyin(load_signal(name), 16000.0);
    const Agreement agreement = compare(track, Expected(std::string(name) + ".track"));
    check(agreement);
    voiced += agreement.both_voiced;
    std::printf(
        "%-16s %3zu frames, %3zu voiced in both, %3zu same voicing, %3zu within a cent, "
        "probability within %.1e\n",
        name, agreement.frames, agreement.both_voiced, agreement.same_voicing,
        agreement.within_a_cent, agreement.worst_probability);
  }
  CHECK(voiced > 80);  // the comparison was of something
}

TEST_CASE("YIN finds librosa's frequencies, in unvoiced frames too") {
  std::size_t voiced = 0;
  for (const char* name :
       {"sweep", "vibrato", "silence_to_tone", "noise", "pulses", "noisy_tone"}) {
    CAPTURE(name);
    const PitchTrack track = track_pitch_yin(load_signal(name), 16000.0);
    const std::vector<double> expected =
        read_npy_doubles(golden(std::string(name) + ".yin")).values;
    REQUIRE(track.size() == expected.size());
    for (std::size_t t = 0; t < expected.size(); ++t) {
      CAPTURE(t);
      // A cent is 5.8e-4. Double on both sides, but d' is a small difference of energies and the
      // parabola one of d': 3e-8 were found.
      CHECK(std::abs(track.hz[t]) == Approx(expected[t]).epsilon(1e-6));
      voiced += track.hz[t] > 0.0 ? 1U : 0U;
    }
  }
  CHECK(voiced > 80);  // the comparison was of something
}

TEST_CASE("another frame and hop agree too") {
  const PitchTrack track = track_pitch_pyin(load_signal("vibrato"), 16000.0,
                                            {.frame_samples = 1024, .hop_samples = 160});
  const Agreement agreement = compare(track, Expected("vibrato.hop160"));
  check(agreement);
  CHECK(agreement.both_voiced > 80);
}

TEST_CASE("pYIN tracks speech as librosa does") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  for (const char* clip : {"LJ050-0029", "LJ050-0030"}) {
    for (const char* kind : {"raw", "hifigan", "melgan"}) {
      const std::string name = std::string(clip) + "_" + kind;
      CAPTURE(name);
      const AudioClip file = read_audio_file((*data / "speech" / (name + ".wav")).string());
      REQUIRE(file.info.channels == 1);
      const Agreement agreement =
          compare(track_pitch_pyin(file.samples, 22050.0), Expected("speech." + name));
      check(agreement);
      CHECK(agreement.both_voiced > 30);
      std::printf(
          "%-18s %3zu frames, %3zu voiced in both, %3zu same voicing, %3zu within a cent, "
          "probability within %.1e\n",
          name.c_str(), agreement.frames, agreement.both_voiced, agreement.same_voicing,
          agreement.within_a_cent, agreement.worst_probability);
    }
  }
}
