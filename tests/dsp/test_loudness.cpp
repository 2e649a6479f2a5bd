#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <vector>

#include "dsp/loudness.h"
#include "engine/error.h"

namespace {

// 20 s of a 997 Hz sine; `channels` interleaved, the first `sounding` of them carry it.
double lufs_of_sine(double amplitude, int rate_hz, int channels, int sounding) {
  ondes::LoudnessMeter meter(rate_hz, channels);
  const int block = rate_hz / 10;
  std::vector<float> x(static_cast<std::size_t>(block * channels), 0.0F);
  for (int second_tenth = 0; second_tenth < 200; ++second_tenth) {
    for (int t = 0; t < block; ++t) {
      const double time = (static_cast<double>(second_tenth) * block + t) / rate_hz;
      for (int c = 0; c < sounding; ++c) {
        x[static_cast<std::size_t>(t * channels + c)] =
            static_cast<float>(amplitude * std::sin(2.0 * std::numbers::pi * 997.0 * time));
      }
    }
    meter.add({x.data(), block, channels});
  }
  return meter.integrated_lufs();
}

}  // namespace

TEST_CASE("a full-scale 997 Hz sine reads -3.01 LUFS in one channel, 0.00 in both") {
  // BS.1770-4, annex 1: "If a 0 dB FS, 997 Hz sine wave is applied to the left, centre, or right
  // channel input, the indicated loudness will equal -3.01 LKFS." EBU Tech 3341 allows 0.1 LU.
  for (const int rate_hz : {24000, 44100, 48000}) {
    CAPTURE(rate_hz);
    CHECK(lufs_of_sine(1.0, rate_hz, 2, 1) == Approx(-3.01).margin(0.1));
    CHECK(lufs_of_sine(1.0, rate_hz, 1, 1) == Approx(-3.01).margin(0.1));
    CHECK(lufs_of_sine(1.0, rate_hz, 2, 2) == Approx(0.0).margin(0.1));
  }
}

TEST_CASE("EBU Tech 3341 case 1: a stereo sine at -23 dBFS reads -23 LUFS") {
  CHECK(lufs_of_sine(std::pow(10.0, -23.0 / 20.0), 48000, 2, 2) == Approx(-23.0).margin(0.1));
}

TEST_CASE("silence and less than one gating block read minus infinity") {
  ondes::LoudnessMeter meter(24000, 1);
  std::vector<float> x(2400, 0.5F);
  meter.add({x.data(), 2400, 1});
  CHECK(meter.integrated_lufs() == -std::numeric_limits<double>::infinity());
  ondes::LoudnessMeter silent(24000, 1);
  std::fill(x.begin(), x.end(), 0.0F);
  for (int i = 0; i < 20; ++i) {
    silent.add({x.data(), 2400, 1});
  }
  CHECK(silent.integrated_lufs() == -std::numeric_limits<double>::infinity());
  CHECK(silent.true_peak() == 0.0);
}

TEST_CASE("true peak sees between the samples, in every channel and through a stride") {
  // A quarter of the rate, 45 degrees off: every sample is at 0.707 of the amplitude.
  ondes::LoudnessMeter meter(48000, 2);
  std::vector<float> x(3 * 4800, 0.0F);
  for (std::size_t n = 0; n < 4800; ++n) {
    x[3 * n + 1] = static_cast<float>(
        std::sin(std::numbers::pi / 2.0 * static_cast<double>(n) + std::numbers::pi / 4.0));
  }
  meter.add({x.data(), 4800, 2, 3});
  // Four times oversampled: EBU Tech 3341 allows +0.2 / -0.4 dB. The sudden onset overshoots, as
  // it would in a converter, so the upper side is taken wider.
  CHECK(meter.true_peak() > 0.955);
  CHECK(meter.true_peak() < 1.15);
}

TEST_CASE("formats that cannot be measured are refused") {
  CHECK_THROWS_AS(ondes::LoudnessMeter(0, 2), ondes::Error);
  CHECK_THROWS_AS(ondes::LoudnessMeter(48000, 0), ondes::Error);
  ondes::LoudnessMeter meter(48000, 2);
  const std::vector<float> x(10, 0.0F);
  CHECK_THROWS_AS(meter.add({x.data(), 10, 1}), ondes::Error);
}
