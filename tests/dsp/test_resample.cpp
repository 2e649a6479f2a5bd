#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "dsp/resample.h"
#include "engine/error.h"
#include "tests/support/largest_difference.h"

namespace {

std::vector<float> sine(std::size_t frames, double hz, double rate_hz) {
  std::vector<float> x(frames);
  for (std::size_t n = 0; n < frames; ++n) {
    x[n] = static_cast<float>(
        0.5 * std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz));
  }
  return x;
}

// Blocks of the given frames, over and over; mono.
std::vector<float> resampled(const std::vector<float>& x,
                             int in_hz,
                             int out_hz,
                             const std::vector<int>& blocks) {
  ondes::Resampler resampler(in_hz, out_hz, 1);
  std::vector<float> out;
  std::size_t first = 0;
  for (std::size_t i = 0; first < x.size(); ++i) {
    const auto count =
        std::min(x.size() - first, static_cast<std::size_t>(blocks[i % blocks.size()]));
    resampler.process({x.data() + first, static_cast<int>(count), 1}, out);
    first += count;
  }
  resampler.finish(out);
  return out;
}

}  // namespace

TEST_CASE("the output has exactly ceil(n * out / in) frames") {
  for (const auto& [in_hz, out_hz] :
       {std::pair{24000, 48000}, std::pair{24000, 44100}, std::pair{44100, 24000},
        std::pair{48000, 8000}, std::pair{24000, 24000}, std::pair{22050, 96000}}) {
    for (const std::size_t frames : {0U, 1U, 2U, 7U, 100U, 4095U, 4097U, 24001U}) {
      CAPTURE(in_hz, out_hz, frames);
      const auto expected =
          static_cast<std::size_t>(std::ceil(static_cast<double>(frames) * out_hz / in_hz - 1e-9));
      CHECK(resampled(std::vector<float>(frames, 0.25F), in_hz, out_hz, {1000}).size() == expected);
      CHECK(ondes::resampled_frames(static_cast<std::int64_t>(frames), in_hz, out_hz) ==
            static_cast<std::int64_t>(expected));
    }
  }
  // A day at 48 kHz times 192000 passes 2^53, a year at that passes 2^63 if multiplied first.
  CHECK(ondes::resampled_frames(std::int64_t{48000} * 86400 * 366, 48000, 192000) ==
        std::int64_t{192000} * 86400 * 366);
}

TEST_CASE("a tone keeps its level, pitch and phase, 100 dB clean") {
  for (const auto& [in_hz, out_hz] : {std::pair{24000, 48000}, std::pair{24000, 44100},
                                      std::pair{48000, 24000}, std::pair{44100, 24000}}) {
    const std::vector<float> out =
        resampled(sine(static_cast<std::size_t>(in_hz), 997.0, in_hz), in_hz, out_hz, {777});
    const std::vector<float> expected = sine(out.size(), 997.0, out_hz);
    // The first and last 1000 frames ring: the tone starts and stops at once there.
    const auto steady = [](const std::vector<float>& x) {
      return std::span(x).subspan(1000, x.size() - 2000);
    };
    CAPTURE(in_hz, out_hz);
    // -100 dB of the amplitude 0.5; float rounding alone is 6e-8.
    CHECK(ondes::largest_difference(steady(out), steady(expected)) < 5e-6);
  }
}

TEST_CASE("what lies above the new Nyquist frequency is gone") {
  const std::vector<float> out = resampled(sine(48000, 15000.0, 48000.0), 48000, 24000, {4800});
  float worst = 0.0F;
  for (std::size_t n = 1000; n + 1000 < out.size(); ++n) {
    worst = std::max(worst, std::abs(out[n]));
  }
  CHECK(worst < 5e-6F);  // -100 dB of the amplitude 0.5
}

TEST_CASE("any cutting into blocks gives the same samples") {
  const std::vector<float> x = sine(30000, 431.0, 24000.0);
  for (const int out_hz : {44100, 48000, 16000}) {
    const std::vector<float> whole = resampled(x, 24000, out_hz, {30000});
    CHECK(resampled(x, 24000, out_hz, {1, 63, 1024, 5}) == whole);
    CHECK(resampled(x, 24000, out_hz, {4096}) == whole);
  }
}

TEST_CASE("equal rates copy, and channels stay apart") {
  const std::vector<float> x = sine(5000, 431.0, 24000.0);
  CHECK(resampled(x, 24000, 24000, {100}) == x);

  // Left a tone, right silence, in a view with a stride of 3.
  std::vector<float> strided(3 * 5000, 9.0F);
  for (std::size_t n = 0; n < 5000; ++n) {
    strided[3 * n] = x[n];
    strided[3 * n + 1] = 0.0F;
  }
  ondes::Resampler resampler(24000, 44100, 2);
  std::vector<float> out;
  resampler.process({strided.data(), 5000, 2, 3}, out);
  resampler.finish(out);
  const std::vector<float> alone = resampled(x, 24000, 44100, {5000});
  REQUIRE(out.size() == 2 * alone.size());
  for (std::size_t n = 0; n < alone.size(); ++n) {
    REQUIRE(out[2 * n] == alone[n]);
    REQUIRE(out[2 * n + 1] == 0.0F);
  }
}

TEST_CASE("rates and channels that make no sense are refused") {
  CHECK_THROWS_AS(ondes::Resampler(0, 48000, 1), ondes::Error);
  CHECK_THROWS_AS(ondes::Resampler(48000, -1, 1), ondes::Error);
  CHECK_THROWS_AS(ondes::Resampler(48000, 48000, 0), ondes::Error);
}
