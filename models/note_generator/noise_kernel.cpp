#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/note_generator/note_generator.h"

namespace ondes {
namespace {

double mel_of(double hz) {
  return 1127.0 * std::log1p(hz / 700.0);
}
double hz_of(double mel) {
  return 700.0 * std::expm1(mel / 1127.0);
}

}  // namespace

std::vector<float> noise_kernel(const NoteGeneratorConfig& config, int sample_rate_hz) {
  const int taps = config.noise_taps;
  const int bands = config.noise_bands;
  const double half_rate = 0.5 * sample_rate_hz;
  std::vector<double> centres;
  for (int b = 0; b < bands; ++b) {
    centres.push_back(hz_of(mel_of(half_rate) * b / (bands - 1)));
  }
  // The triangles sampled densely, and back to time by a cosine sum: zero phase, real, even.
  const int points = 2048;
  std::vector<float> kernel(static_cast<std::size_t>(taps * bands));
  for (int b = 0; b < bands; ++b) {
    const double centre = centres[static_cast<std::size_t>(b)];
    const double below = centres[static_cast<std::size_t>(std::max(0, b - 1))];
    const double above = centres[static_cast<std::size_t>(std::min(bands - 1, b + 1))];
    std::vector<double> gain(static_cast<std::size_t>(points + 1), 0.0);
    for (int p = 0; p <= points; ++p) {
      const double hz = half_rate * p / points;
      if (hz == centre) {
        gain[static_cast<std::size_t>(p)] = 1.0;
      } else if (hz > below && hz < centre) {
        gain[static_cast<std::size_t>(p)] = (hz - below) / (centre - below);
      } else if (hz > centre && hz < above) {
        gain[static_cast<std::size_t>(p)] = (above - hz) / (above - centre);
      }
    }
    for (int i = 0; i < taps; ++i) {
      const int n = i - taps / 2;
      double sum = 0.5 * (gain[0] + gain[static_cast<std::size_t>(points)] * (n % 2 == 0 ? 1 : -1));
      for (int p = 1; p < points; ++p) {
        sum += gain[static_cast<std::size_t>(p)] * std::cos(std::numbers::pi * p * n / points);
      }
      const double window = 0.5 + 0.5 * std::cos(2.0 * std::numbers::pi * n / taps);
      kernel[static_cast<std::size_t>(i * bands + b)] = static_cast<float>(sum / points * window);
    }
  }
  return kernel;
}

}  // namespace ondes
