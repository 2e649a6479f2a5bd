#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/metrics/log_spectral_difference.h"
#include "engine/error.h"

namespace {

std::vector<float> noise(std::size_t samples, unsigned seed, float level) {
  std::mt19937 generator(seed);
  std::vector<float> x(samples);
  for (float& value : x) {
    value = level * (static_cast<float>(generator()) * 0x1p-31F - 1.0F);
  }
  return x;
}

}  // namespace

TEST_CASE("identical signals differ by exactly 0 dB") {
  const std::vector<float> x = noise(10000, 1, 0.5F);
  CHECK(ondes::log_spectral_difference_db(x, x) == 0.0);
}

TEST_CASE("a gain of 6.02 dB over a spectrum above the floor reads 6.02 dB, both ways") {
  const std::vector<float> x = noise(10000, 2, 0.25F);
  std::vector<float> louder = x;
  for (float& value : louder) {
    value *= 2.0F;
  }
  const double gain_db = 20.0 * std::log10(2.0);
  // Powers of two are exact in float, and white noise lies within 80 dB of its peak but for a bin
  // in some ten thousands.
  CHECK(ondes::log_spectral_difference_db(x, louder) == Approx(gain_db).epsilon(1e-3));
  CHECK(ondes::log_spectral_difference_db(louder, x) == Approx(gain_db).epsilon(1e-3));
}

TEST_CASE("an impulse against silence reads its frame's part of the floor's depth") {
  // By hand: the impulse stands on the centre of frame 4 of 9 (window value 1) and in frames 3 and
  // 5 (a quarter of the FFT away: window value 1/2, -6.02 dB) and, at the window's edge, nowhere
  // else. Spectra are flat; the floor lies 80 dB under the peak.
  std::vector<float> impulse(2048, 0.0F);
  impulse[1024] = 1.0F;
  const std::vector<float> silence(2048, 0.0F);
  const double expected = (80.0 + 2.0 * (80.0 - 20.0 * std::log10(2.0))) / 9.0;
  // The -80 dB floor is within the float rounding of the flat spectrum.
  CHECK(ondes::log_spectral_difference_db(impulse, silence) == Approx(expected).epsilon(1e-5));
}

TEST_CASE("differences below the floor do not count") {
  std::vector<float> reference(24000);
  for (std::size_t n = 0; n < reference.size(); ++n) {
    reference[n] =
        static_cast<float>(0.5 * std::sin(2.0 * std::numbers::pi * static_cast<double>(n) / 24.0));
  }
  std::vector<float> generated = reference;
  const std::vector<float> faint = noise(reference.size(), 3, 1e-6F);
  for (std::size_t n = 0; n < generated.size(); ++n) {
    generated[n] += faint[n];
  }
  const double at_80_db = ondes::log_spectral_difference_db(reference, generated);
  const double at_140_db =
      ondes::log_spectral_difference_db(reference, generated, {.floor_db = 140.0});
  CHECK(at_80_db < 0.02);
  CHECK(at_140_db > 10.0 * at_80_db);
}

TEST_CASE("silence equals silence and a silent reference still gives a finite figure") {
  const std::vector<float> silence(4096, 0.0F);
  const std::vector<float> sound = noise(4096, 4, 0.5F);
  CHECK(ondes::log_spectral_difference_db(silence, silence) == 0.0);
  const double figure = ondes::log_spectral_difference_db(silence, sound);
  CHECK(std::isfinite(figure));
  CHECK(figure > 80.0);  // noise a little below full scale, over a floor of -140 dBFS
}

TEST_CASE("lengths that differ are refused") {
  const std::vector<float> x(100, 0.1F);
  const std::span<const float> all(x);
  CHECK_THROWS_AS(ondes::log_spectral_difference_db(all, all.first(99)), ondes::Error);
  CHECK_THROWS_AS(ondes::log_spectral_difference_db({}, {}), ondes::Error);
}
