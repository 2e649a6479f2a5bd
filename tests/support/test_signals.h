// Sounds for tests of measures: seeded noise, a sine, a voice-like tone, copies with a gain or noise.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <vector>

namespace ondes {

inline std::vector<float> test_noise(std::size_t samples, unsigned seed, float level) {
  std::mt19937 generator(seed);
  std::vector<float> x(samples);
  for (float& value : x) {
    value = level * (static_cast<float>(generator()) * 0x1p-31F - 1.0F);
  }
  return x;
}

inline std::vector<float> test_sine(std::size_t samples, double hz, int rate_hz, double amplitude) {
  std::vector<float> x(samples);
  for (std::size_t n = 0; n < samples; ++n) {
    x[n] = static_cast<float>(
        amplitude * std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz));
  }
  return x;
}

// Harmonics of a gliding pitch under two moving resonances, over faint noise: it has a spectral
// envelope that changes, as speech has.
inline std::vector<float> test_voice(std::size_t samples, int rate_hz, unsigned seed = 1) {
  std::vector<float> x = test_noise(samples, seed, 3e-4F);
  double phase = 0.0;
  for (std::size_t n = 0; n < samples; ++n) {
    const double t = static_cast<double>(n) / rate_hz;
    const double f0 = 140.0 + 30.0 * std::sin(2.0 * std::numbers::pi * 1.7 * t + seed);
    phase += 2.0 * std::numbers::pi * f0 / rate_hz;
    const double first = 600.0 + 250.0 * std::sin(2.0 * std::numbers::pi * 2.9 * t);
    const double second = 1900.0 + 600.0 * std::sin(2.0 * std::numbers::pi * 2.1 * t + 1.0);
    double sum = 0.0;
    for (int h = 1; h * f0 < 0.45 * rate_hz && h <= 40; ++h) {
      const double a = (h * f0 - first) / 120.0;
      const double b = (h * f0 - second) / 200.0;
      sum += (1.0 / (1.0 + a * a) + 0.5 / (1.0 + b * b) + 0.002) * std::sin(h * phase);
    }
    x[n] += static_cast<float>(0.15 * sum);
  }
  return x;
}

inline std::vector<float> scaled(std::span<const float> x, float gain) {
  std::vector<float> y(x.begin(), x.end());
  for (float& value : y) {
    value *= gain;
  }
  return y;
}

inline std::vector<float> sum_of(std::span<const float> a, std::span<const float> b) {
  std::vector<float> y(a.begin(), a.end());
  for (std::size_t n = 0; n < y.size() && n < b.size(); ++n) {
    y[n] += b[n];
  }
  return y;
}

}  // namespace ondes
