#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/pitch.h"
#include "engine/error.h"

namespace {

constexpr double kRateHz = 24000.0;

// Harmonics with amplitudes 1/h and arbitrary but fixed phases, all below `top_hz`.
std::vector<float> harmonic_tone(double hz, double seconds, int harmonics, double top_hz) {
  std::vector<float> x(static_cast<std::size_t>(seconds * kRateHz));
  for (std::size_t n = 0; n < x.size(); ++n) {
    double sum = 0.0;
    for (int h = 1; h <= harmonics && h * hz < top_hz; ++h) {
      sum +=
          std::sin(2.0 * std::numbers::pi * h * hz * static_cast<double>(n) / kRateHz + h * h) / h;
    }
    x[n] = static_cast<float>(0.3 * sum);
  }
  return x;
}

double worst_cents(const std::vector<ondes::PitchFrame>& frames, double hz) {
  double worst = 0.0;
  for (const ondes::PitchFrame& frame : frames) {
    const double cents = frame.hz > 0.0 ? std::abs(1200.0 * std::log2(frame.hz / hz)) : 1e9;
    worst = std::max(worst, cents);
  }
  return worst;
}

}  // namespace

TEST_CASE("YIN reads sines from 40 to 5000 Hz within 1 cent") {
  for (double hz = 41.3; hz < 5000.0; hz *= 1.0707) {
    const auto frames = ondes::track_pitch(harmonic_tone(hz, 0.2, 1, 12000.0), kRateHz);
    REQUIRE(frames.size() > 5);
    CAPTURE(hz);
    CHECK(worst_cents(frames, hz) < 1.0);
    // A sine is purely periodic; what is left is the parabola's error at periods of few samples.
    CHECK(frames.front().aperiodicity < 0.05);
  }
}

TEST_CASE("YIN reads harmonic tones from 40 to 3000 Hz within 3 cents") {
  for (double hz = 40.7; hz < 3000.0; hz *= 1.0503) {
    const auto frames = ondes::track_pitch(harmonic_tone(hz, 0.2, 20, 11000.0), kRateHz);
    REQUIRE(frames.size() > 5);
    CAPTURE(hz);
    CHECK(worst_cents(frames, hz) < 3.0);
  }
}

TEST_CASE("a missing fundamental is still heard") {
  std::vector<float> x = harmonic_tone(220.0, 0.3, 6, 12000.0);
  for (std::size_t n = 0; n < x.size(); ++n) {
    x[n] -= static_cast<float>(
        0.3 * std::sin(2.0 * std::numbers::pi * 220.0 * static_cast<double>(n) / kRateHz + 1));
  }
  CHECK(worst_cents(ondes::track_pitch(x, kRateHz), 220.0) < 3.0);
}

TEST_CASE("noise 20 dB below the tone moves the pitch by less than 5 cents") {
  double worst = 0.0;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 generator(seed);
    std::vector<float> x = harmonic_tone(330.0, 0.3, 8, 12000.0);
    for (float& value : x) {
      value += 0.037F * (static_cast<float>(generator()) * 0x1p-31F - 1.0F);  // rms 0.021
    }
    worst = std::max(worst, worst_cents(ondes::track_pitch(x, kRateHz), 330.0));
  }
  CHECK(worst < 5.0);  // the smallest step of pitch that is commonly heard
  CHECK(worst > 0.0);
}

TEST_CASE("a glide is followed within 5 cents at each frame's centre") {
  std::vector<float> x(24000);
  double phase = 0.0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    x[n] = static_cast<float>(std::sin(phase));
    phase += 2.0 * std::numbers::pi * (300.0 + 0.005 * static_cast<double>(n)) / kRateHz;
  }
  const ondes::PitchOptions options{.min_hz = 150.0, .max_hz = 2000.0};
  for (const ondes::PitchFrame& frame : ondes::track_pitch(x, kRateHz, options)) {
    const double expected = 300.0 + 0.005 * static_cast<double>(frame.centre_sample);
    // The lag that matched may stand up to 60 samples off the centre: 0.3 Hz, under 2 cents.
    CHECK(std::abs(1200.0 * std::log2(frame.hz / expected)) < 5.0);
  }
}

TEST_CASE("white noise is called aperiodic, silence and constants have no pitch") {
  std::mt19937 generator(5);
  std::vector<float> x(12000);
  for (float& value : x) {
    value = static_cast<float>(generator()) * 0x1p-31F - 1.0F;
  }
  for (const ondes::PitchFrame& frame : ondes::track_pitch(x, kRateHz)) {
    CHECK(frame.aperiodicity > 0.5);
  }
  for (const float level : {0.0F, 0.5F}) {
    const std::vector<float> flat(12000, level);
    for (const ondes::PitchFrame& frame : ondes::track_pitch(flat, kRateHz)) {
      CHECK(frame.hz == 0.0);
      CHECK(frame.aperiodicity == 1.0);
    }
  }
}

TEST_CASE("only whole frames are made, and nonsense is refused") {
  const auto frame = static_cast<std::size_t>(ondes::pitch_frame_samples(kRateHz));
  const std::vector<float> x(frame + 256, 0.0F);
  const std::span<const float> all(x);
  CHECK(ondes::track_pitch(all.first(frame - 1), kRateHz).empty());
  CHECK(ondes::track_pitch(all.first(frame), kRateHz).size() == 1);
  CHECK(ondes::track_pitch(all, kRateHz).size() == 2);
  CHECK_THROWS_AS(ondes::track_pitch(x, kRateHz, {.min_hz = 0.0}), ondes::Error);
  CHECK_THROWS_AS(ondes::track_pitch(x, kRateHz, {.min_hz = 500.0, .max_hz = 400.0}), ondes::Error);
  CHECK_THROWS_AS(ondes::track_pitch(x, kRateHz, {.max_hz = 12001.0}), ondes::Error);
  CHECK_THROWS_AS(ondes::track_pitch(x, kRateHz, {.hop_samples = 0}), ondes::Error);
}
