#include "dsp/metrics/log_spectral_difference.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dsp/stft.h"
#include "engine/error.h"

namespace ondes {

double log_spectral_difference_db(std::span<const float> reference,
                                  std::span<const float> generated,
                                  const LogSpectralDifferenceOptions& options) {
  if (reference.empty() || reference.size() != generated.size()) {
    throw Error(ErrorCode::usage,
                "log-spectral difference: expected two signals of one length above 0, found " +
                    std::to_string(reference.size()) + " and " + std::to_string(generated.size()) +
                    " samples");
  }
  Stft stft({.fft_size = options.fft_size, .hop_samples = options.hop_samples});
  const auto values = static_cast<std::size_t>(stft.frames(std::ssize(reference))) *
                      static_cast<std::size_t>(stft.bins());
  std::vector<float> reference_magnitudes(values);
  std::vector<float> generated_magnitudes(values);
  stft.magnitudes(reference, reference_magnitudes);
  stft.magnitudes(generated, generated_magnitudes);

  const double peak = *std::max_element(reference_magnitudes.begin(), reference_magnitudes.end());
  const double full_scale = stft.window_sum() / 2.0;  // what a full-scale sine reads
  const double floor = std::max(peak * std::pow(10.0, -options.floor_db / 20.0), full_scale * 1e-7);
  double sum = 0.0;
  for (std::size_t i = 0; i < values; ++i) {
    const double r = std::max(static_cast<double>(reference_magnitudes[i]), floor);
    const double g = std::max(static_cast<double>(generated_magnitudes[i]), floor);
    sum += std::abs(20.0 * std::log10(r / g));
  }
  return sum / static_cast<double>(values);
}

}  // namespace ondes
