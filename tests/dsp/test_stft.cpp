#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <thread>
#include <vector>

#include "dsp/fft.h"
#include "dsp/stft.h"
#include "engine/error.h"

namespace {

std::vector<float> noise(std::size_t samples, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> x(samples);
  for (float& value : x) {
    value = static_cast<float>(generator()) * 0x1p-31F - 1.0F;
  }
  return x;
}

}  // namespace

TEST_CASE("the FFT agrees with the sum that defines it") {
  const int size = 48;  // not a power of two
  ondes::RealFft fft(size);
  const std::vector<float> x = noise(static_cast<std::size_t>(size), 1);
  std::copy(x.begin(), x.end(), fft.input().begin());
  fft.transform();
  for (int k = 0; k <= size / 2; ++k) {
    std::complex<double> sum = 0.0;
    for (int n = 0; n < size; ++n) {
      sum += static_cast<double>(x[static_cast<std::size_t>(n)]) *
             std::polar(1.0, -2.0 * std::numbers::pi * k * n / size);
    }
    const std::complex<double> found = fft.output()[static_cast<std::size_t>(k)];
    // Float rounding: a few units of 6e-8 on sums of up to 48 values below 1.
    CHECK(std::abs(found - sum) < 5e-6);
  }
  CHECK(std::equal(x.begin(), x.end(), fft.input().begin()));  // the input is kept
}

TEST_CASE("a tone on a bin's centre reads a quarter of the window and stays in three bins") {
  const int fft_size = 1024;
  const int bin = 37;
  std::vector<float> x(8192);
  for (std::size_t n = 0; n < x.size(); ++n) {
    x[n] = static_cast<float>(
        std::sin(2.0 * std::numbers::pi * bin * static_cast<double>(n) / fft_size));
  }
  ondes::Stft stft({.fft_size = fft_size, .hop_samples = 256});
  std::vector<float> out(static_cast<std::size_t>(stft.bins()));
  stft.frame_magnitudes(x, 4096, out);
  // Sine amplitude 1: half of the window's sum, which is W/2. Float rounding only.
  CHECK(out[bin] == Approx(fft_size / 4.0).epsilon(1e-5));
  CHECK(out[bin - 1] == Approx(fft_size / 8.0).epsilon(1e-4));
  CHECK(out[bin + 1] == Approx(fft_size / 8.0).epsilon(1e-4));
  for (int k = 0; k < stft.bins(); ++k) {
    if (std::abs(k - bin) > 1) {
      CHECK(out[static_cast<std::size_t>(k)] < 2e-3F);  // -102 dB: float rounding of the tone
    }
  }
}

TEST_CASE("frames are centred on multiples of the hop with zeros outside the signal") {
  ondes::Stft stft({.fft_size = 64, .hop_samples = 10, .window_samples = 32});
  std::vector<float> impulse(95, 0.0F);
  impulse[50] = 1.0F;
  REQUIRE(stft.frames(95) == 10);
  std::vector<float> out(static_cast<std::size_t>(10 * stft.bins()));
  stft.magnitudes(impulse, out);
  for (int t = 0; t < 10; ++t) {
    // An impulse has the window's value at its place as magnitude, in every bin.
    const int place = 50 - (10 * t - 16);
    const double expected =
        place >= 0 && place < 32 ? 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * place / 32) : 0.0;
    CHECK(out[static_cast<std::size_t>(t * stft.bins() + 7)] ==
          Approx(expected).margin(1e-6));  // float rounding of a value below 1
  }
}

TEST_CASE("an empty signal has one silent frame") {
  ondes::Stft stft({.fft_size = 64, .hop_samples = 16});
  std::vector<float> out(static_cast<std::size_t>(stft.bins()), 1.0F);
  stft.magnitudes({}, out);
  CHECK(std::all_of(out.begin(), out.end(), [](float value) { return value == 0.0F; }));
}

TEST_CASE("the periodic Hann window adds up to a constant at half overlap") {
  const std::vector<float> window = ondes::periodic_hann(64);
  CHECK(window[0] == 0.0F);
  CHECK(window[32] == 1.0F);
  for (std::size_t n = 0; n < 32; ++n) {
    CHECK(window[n] + window[n + 32] == Approx(1.0).epsilon(1e-6));  // float rounding
  }
}

TEST_CASE("the inverse FFT gives back what was transformed, and keeps its input") {
  for (const int size : {2, 48, 1024}) {
    ondes::RealFft fft(size);
    ondes::InverseRealFft inverse(size);
    const std::vector<float> x = noise(static_cast<std::size_t>(size), 8);
    std::copy(x.begin(), x.end(), fft.input().begin());
    fft.transform();
    std::copy(fft.output().begin(), fft.output().end(), inverse.input().begin());
    inverse.transform();
    for (std::size_t n = 0; n < x.size(); ++n) {
      CHECK(inverse.output()[n] == Approx(x[n]).margin(2e-6));  // float rounding, log2 N steps
    }
    CHECK(std::equal(fft.output().begin(), fft.output().end(), inverse.input().begin()));
  }
}

TEST_CASE("the inverse STFT gives back the signal, ends included, for any window and hop") {
  for (const auto& config : {ondes::StftConfig{64, 16, 0}, ondes::StftConfig{64, 10, 32},
                             ondes::StftConfig{48, 24, 48}, ondes::StftConfig{64, 40, 64}}) {
    ondes::Stft stft(config);
    ondes::InverseStft inverse(config);
    const std::vector<float> x = noise(203, 7);
    std::vector<std::complex<float>> frames(
        static_cast<std::size_t>(stft.frames(203) * stft.bins()));
    stft.transform(x, frames);
    const auto samples = std::min<std::int64_t>(203, inverse.samples(stft.frames(203)));
    CHECK(samples >= 203 - config.hop_samples);
    std::vector<float> again(static_cast<std::size_t>(samples));
    inverse.transform(frames, again);
    for (std::size_t n = 0; n < again.size(); ++n) {
      // Float rounding, divided by the least sum of squared windows (2e-5 where one frame ends).
      CHECK(again[n] == Approx(x[n]).margin(1e-3));
      if (n < 160) {
        CHECK(again[n] == Approx(x[n]).margin(2e-5));
      }
    }
  }
}

TEST_CASE("complex frames have the magnitudes that are asked for alone") {
  ondes::Stft stft({.fft_size = 64, .hop_samples = 16});
  const std::vector<float> x = noise(100, 3);
  const auto values = static_cast<std::size_t>(stft.frames(100) * stft.bins());
  std::vector<std::complex<float>> frames(values);
  std::vector<float> magnitudes(values);
  stft.transform(x, frames);
  stft.magnitudes(x, magnitudes);
  for (std::size_t i = 0; i < values; ++i) {
    CHECK(std::abs(frames[i]) == Approx(magnitudes[i]).margin(1e-5));  // float rounding below 32
  }
}

TEST_CASE("windows with gaps have no inverse") {
  CHECK_THROWS_AS(ondes::InverseStft({.fft_size = 64, .hop_samples = 64}), ondes::Error);
  CHECK_THROWS_AS(ondes::InverseStft({.fft_size = 64, .hop_samples = 33, .window_samples = 32}),
                  ondes::Error);
  ondes::InverseStft inverse({.fft_size = 64, .hop_samples = 16});
  CHECK(inverse.samples(0) == 0);
  std::vector<std::complex<float>> frames(33 * 2);
  std::vector<float> x(33);
  CHECK_THROWS_AS(inverse.transform(frames, x), ondes::Error);  // two frames are 32 samples
  CHECK_THROWS_AS(inverse.transform(std::span(frames).first(40), std::span(x).first(8)),
                  ondes::Error);
}

TEST_CASE("plans may be made and dropped on several threads at once") {
  std::vector<std::thread> threads;
  std::array<float, 4> sums{};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    threads.emplace_back([&sums, i] {
      for (int size = 16; size <= 256; size += 2) {
        ondes::RealFft fft(size);
        std::fill(fft.input().begin(), fft.input().end(), 1.0F);
        fft.transform();
        sums[i] += fft.output()[0].real();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const float sum : sums) {
    CHECK(sum == 16456.0F);  // 16 + 18 + ... + 256, exact in float
  }
}

TEST_CASE("sizes that make no sense are refused") {
  CHECK_THROWS_AS(ondes::RealFft(0), ondes::Error);
  CHECK_THROWS_AS(ondes::RealFft(17), ondes::Error);
  CHECK_THROWS_AS(ondes::Stft({.fft_size = 64, .hop_samples = 0}), ondes::Error);
  CHECK_THROWS_AS(ondes::Stft({.fft_size = 64, .hop_samples = 8, .window_samples = 65}),
                  ondes::Error);
  ondes::Stft stft({.fft_size = 64, .hop_samples = 16});
  std::vector<float> out(5);
  CHECK_THROWS_AS(stft.magnitudes(noise(64, 1), out), ondes::Error);
}
