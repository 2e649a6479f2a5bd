// Agreement with librosa: tests/golden/test_pyin.cpp.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/pitch_viterbi_internal.h"
#include "dsp/pyin.h"
#include "engine/error.h"

using namespace ondes;

namespace {

constexpr double kRateHz = 22050.0;

std::vector<float> tone(double hz, double seconds, double rate_hz = kRateHz) {
  std::vector<float> x(static_cast<std::size_t>(seconds * rate_hz));
  for (std::size_t n = 0; n < x.size(); ++n) {
    double sum = 0.0;
    for (int h = 1; h <= 6; ++h) {
      sum += std::sin(2.0 * std::numbers::pi * h * hz * static_cast<double>(n) / rate_hz + h) / h;
    }
    x[n] = static_cast<float>(0.2 * sum);
  }
  return x;
}

}  // namespace

TEST_CASE("pYIN reads harmonic tones within 15 cents at every usual rate") {
  for (const double rate_hz : {16000.0, 22050.0, 24000.0, 44100.0, 48000.0}) {
    for (const double hz : {98.0, 220.3, 441.7, 987.0}) {
      const PitchTrack track = track_pitch_pyin(tone(hz, 0.4, rate_hz), rate_hz);
      CAPTURE(rate_hz, hz);
      std::size_t near = 0;
      for (std::size_t t = 4; t + 4 < track.size(); ++t) {  // frames wholly inside
        near += std::abs(1200.0 * std::log2(track.hz[t] / hz)) <= 15.0 ? 1U : 0U;
      }
      CHECK(near == track.size() - 8);  // half a bin, and what the parabola errs at short periods
    }
  }
}

TEST_CASE("silence is unvoiced; less than a frame gives none") {
  const PitchTrack silence = track_pitch_pyin(std::vector<float>(8000, 0.0F), kRateHz);
  CHECK(silence.size() == 1 + 8000 / 512);
  for (std::size_t t = 0; t < silence.size(); ++t) {
    CHECK(silence.hz[t] == 0.0);
    CHECK(silence.voiced_probability[t] == 0.0);
    CHECK(silence.times_s[t] == static_cast<double>(512 * t) / kRateHz);
  }
  CHECK(track_pitch_pyin(std::vector<float>(2048, 0.0F), kRateHz).size() == 5);
  CHECK(track_pitch_pyin(tone(440.0, 2047.5 / kRateHz), kRateHz).size() == 0);
  CHECK(track_pitch_pyin(std::vector<float>{0.5F}, kRateHz).size() == 0);
  CHECK(track_pitch_pyin(std::vector<float>(), kRateHz).size() == 0);
}

TEST_CASE("the pitch does not hang on the level") {
  std::vector<float> x = tone(220.0, 0.5);
  const std::vector<double> loud = track_pitch_pyin(x, kRateHz).hz;
  for (float& value : x) {
    value *= 0x1p-10F;
  }
  CHECK(track_pitch_pyin(x, kRateHz).hz == loud);
}

TEST_CASE("a tone that begins and ends is voiced where it sounds") {
  std::vector<float> x(11025, 0.0F);
  const std::vector<float> sound = tone(330.0, 0.5);
  x.insert(x.end(), sound.begin(), sound.end());
  x.resize(x.size() + 11025, 0.0F);
  const PitchTrack track = track_pitch_pyin(x, kRateHz);
  for (std::size_t t = 0; t < track.size(); ++t) {
    const double time_s = track.times_s[t];
    CAPTURE(time_s);
    if (time_s > 0.55 && time_s < 0.95) {
      CHECK(track.hz[t] == Approx(330.0).epsilon(0.005));
    } else if (time_s < 0.45 || time_s > 1.05) {  // 46 ms: half a frame
      CHECK(track.hz[t] == 0.0);
    }
  }
}

TEST_CASE("ranges, sizes and samples that make no sense are refused") {
  const std::vector<float> x(4000, 0.1F);
  CHECK_THROWS_WITH(track_pitch_pyin(x, kRateHz, {.min_hz = 0.0}), Catch::Contains("range"));
  CHECK_THROWS_WITH(track_pitch_pyin(x, 4000.0), Catch::Contains("2000"));
  CHECK_THROWS_WITH(track_pitch_pyin(x, kRateHz, {.frame_samples = 256}),
                    Catch::Contains("within 256 samples"));
  CHECK_THROWS_AS(track_pitch_pyin(x, kRateHz, {.frame_samples = 2047}), Error);
  CHECK_THROWS_AS(track_pitch_pyin(x, kRateHz, {.hop_samples = 0}), Error);
  CHECK_THROWS_AS(track_pitch_pyin(x, kRateHz, {.switch_probability = 1.0}), Error);
  CHECK_THROWS_AS(track_pitch_pyin(x, kRateHz, {.resolution_semitones = 0.0}), Error);
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> bad = x;
    bad[77] = value;
    CHECK_THROWS_WITH(track_pitch_pyin(bad, kRateHz), Catch::Contains("sample 77"));
  }
}

// Every way through 4 bins, voiced or not, of 5 frames: 8^5 of them, each weighed by the model as
// pitch_viterbi_internal.h states it.
TEST_CASE("the way that pYIN takes is the most probable of all, counted one by one") {
  using pitch_internal::BinProbability;
  constexpr int kBins = 4;
  constexpr int kStates = 2 * kBins;
  constexpr int kFrames = 5;
  std::mt19937 generator(9);
  const auto random = [&] { return (static_cast<double>(generator()) + 1.0) * 0x1p-33; };
  for (int trial = 0; trial < 20; ++trial) {
    const int reach = trial % 4;
    const double flip = 0.05 + 0.4 * random();
    double observed[kFrames][kStates];
    pitch_internal::PitchViterbi viterbi(
        {.bins = kBins, .reach_bins = reach, .switch_probability = flip});
    for (auto& frame : observed) {
      std::vector<BinProbability> voiced;
      for (int bin = 0; bin < kBins; ++bin) {
        voiced.push_back({bin, random()});
        frame[bin] = voiced.back().probability;
      }
      const double unvoiced = random();
      std::fill(frame + kBins, frame + kStates, unvoiced);
      viterbi.add(voiced, unvoiced);
    }
    const auto weight = [&](int from, int to) {
      return std::max(0.0, 1.0 - std::abs(to - from) / (reach + 1.0));
    };
    const auto step = [&](int from, int to) {
      double all = 0.0;
      for (int bin = 0; bin < kBins; ++bin) {
        all += weight(from % kBins, bin);
      }
      const bool flips = (from < kBins) != (to < kBins);
      return (flips ? flip : 1.0 - flip) * weight(from % kBins, to % kBins) / all;
    };
    const auto probability = [&](const std::vector<int>& states) {
      double p = observed[0][states[0]];
      for (std::size_t t = 1; t < kFrames; ++t) {
        p *= step(states[t - 1], states[t]) * observed[t][states[t]];
      }
      return p;
    };
    // Unvoiced states of a way are told apart by their bin, which the result does not say: the most
    // probable way of all has to be one that the result can be.
    double most = 0.0;
    std::vector<int> best;
    for (int code = 0; code < 1 << 15; ++code) {
      std::vector<int> states;
      for (int t = 0; t < kFrames; ++t) {
        states.push_back(code >> (3 * t) & 7);
      }
      const double p = probability(states);
      if (p > most) {
        most = p;
        best = states;
      }
    }
    const std::vector<int> way = viterbi.way();
    REQUIRE(way.size() == kFrames);
    CAPTURE(trial, reach, flip, most);
    for (std::size_t t = 0; t < way.size(); ++t) {
      CHECK(way[t] == (best[t] < kBins ? best[t] : -1));
    }
  }
}
