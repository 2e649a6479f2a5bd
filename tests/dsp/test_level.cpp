#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "dsp/level.h"

TEST_CASE("rounding is to nearest and full scale is clamped, never wrapped") {
  CHECK(ondes::quantise(0.0F, 16, 0.0) == 0);
  CHECK(ondes::quantise(0.4F / 32768.0F, 16, 0.0) == 0);
  CHECK(ondes::quantise(0.6F / 32768.0F, 16, 0.0) == 1);
  CHECK(ondes::quantise(-0.6F / 32768.0F, 16, 0.0) == -1);
  CHECK(ondes::quantise(1.0F, 16, 0.0) == 32767);
  CHECK(ondes::quantise(-1.0F, 16, 0.0) == -32768);
  CHECK(ondes::quantise(1.2F, 16, 0.0) == 32767);
  CHECK(ondes::quantise(-1.2F, 16, 0.0) == -32768);
  CHECK(ondes::quantise(1e30F, 24, 0.9) == 8388607);
  CHECK(ondes::quantise(-1e30F, 32, -0.9) == -2147483647 - 1);
  CHECK(ondes::quantise(0.5F, 24, 0.0) == 4194304);
}

TEST_CASE("every 16 and 24 bit code comes back as itself") {
  for (int code = -32768; code <= 32767; ++code) {
    REQUIRE(ondes::quantise(static_cast<float>(code) / 32768.0F, 16, 0.0) == code);
  }
  for (int code = -8388608; code <= 8388607; code += 37) {
    REQUIRE(ondes::quantise(static_cast<float>(code) / 8388608.0F, 24, 0.0) == code);
  }
}

TEST_CASE("dither depends on seed and position alone and has known values") {
  CHECK(ondes::tpdf_dither(7, 1234567) == ondes::tpdf_dither(7, 1234567));
  CHECK(ondes::tpdf_dither(7, 0) != ondes::tpdf_dither(8, 0));
  CHECK(ondes::tpdf_dither(7, 0) != ondes::tpdf_dither(7, 1));
  // SplitMix64 with seed 0 starts with 0xE220A8397B1DCDAF on every machine.
  static_assert(ondes::mix_bits(0x9E3779B97F4A7C15ULL) == 0xE220A8397B1DCDAFULL);
}

TEST_CASE("dither is triangular over (-1, 1), white, and independent between seeds") {
  constexpr int kCount = 1000000;
  for (const std::uint64_t seed : {0ULL, 1ULL, 0xFFFFFFFFFFFFFFFFULL}) {
    double sum = 0.0;
    double squares = 0.0;
    double neighbours = 0.0;
    double stereo = 0.0;
    double other_seed = 0.0;
    std::array<int, 8> bins{};
    for (std::uint64_t i = 0; i < kCount; ++i) {
      const double d = ondes::tpdf_dither(seed, i);
      REQUIRE(std::abs(d) < 1.0);
      sum += d;
      squares += d * d;
      neighbours += d * ondes::tpdf_dither(seed, i + 1);
      stereo += d * ondes::tpdf_dither(seed, i + 2);
      other_seed += d * ondes::tpdf_dither(seed + 1, i);
      ++bins[static_cast<std::size_t>((d + 1.0) * 4.0)];
    }
    // Means of 10^6 values: standard errors 0.00041 (variance 1/6), 0.0002 (squares, fourth moment
    // 1/15), 0.00017 (products). Bounds are five of them.
    CHECK(std::abs(sum / kCount) < 0.0021);
    CHECK(squares / kCount == Approx(1.0 / 6.0).margin(0.001));
    CHECK(std::abs(neighbours / kCount) < 0.00085);
    CHECK(std::abs(stereo / kCount) < 0.00085);
    CHECK(std::abs(other_seed / kCount) < 0.00085);
    const std::array<double, 8> expected{1, 3, 5, 7, 7, 5, 3, 1};  // 32nds
    for (std::size_t b = 0; b < bins.size(); ++b) {
      CHECK(bins[b] / static_cast<double>(kCount) ==
            Approx(expected[b] / 32.0).margin(0.0021));  // five times sqrt(p (1 - p) / 10^6)
    }
  }
}

TEST_CASE("the dithered error's mean and power do not depend on the level between two steps") {
  // What TPDF is for: a plain rounder's error follows the signal, this one's first two moments do
  // not: mean 0 and variance 1/12 + 1/6 steps^2.
  constexpr int kCount = 200000;
  for (int tenth = 0; tenth < 10; ++tenth) {
    const float x = static_cast<float>(100 + 0.1 * tenth) / 32768.0F;
    double sum = 0.0;
    double squares = 0.0;
    for (std::uint64_t i = 0; i < kCount; ++i) {
      const double error =
          ondes::quantise(x, 16, ondes::tpdf_dither(3, i)) - static_cast<double>(x) * 32768.0;
      sum += error;
      squares += error * error;
    }
    // Standard errors 0.0011 and about 0.0008; five of them.
    CHECK(std::abs(sum / kCount) < 0.0056);
    CHECK(squares / kCount == Approx(0.25).margin(0.004));
  }
}

TEST_CASE("decibels and amplitudes are each other's inverse") {
  CHECK(ondes::amplitude_to_db(1.0) == 0.0);
  CHECK(ondes::amplitude_to_db(0.5) == Approx(-6.0206).margin(1e-4));
  CHECK(ondes::db_to_amplitude(ondes::amplitude_to_db(0.3)) == Approx(0.3));
}
