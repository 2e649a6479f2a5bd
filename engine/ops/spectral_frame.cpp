#include "engine/ops/spectral_frame.h"

#include <cstddef>

namespace ondes {

SpectralFrame::SpectralFrame(const BlockInverseStft& op)
    : fft_(op.fft_size), form_(op.form), magnitude_limit_(op.magnitude_limit) {}

int SpectralFrame::scratch_size() const noexcept {
  return 2 * (fft_.size() / 2 + 1) + fft_.scratch_size();
}

void SpectralFrame::evaluate(std::span<const float> channels,
                             std::span<float> samples,
                             std::span<float> scratch) const noexcept {
  const auto bins = static_cast<std::size_t>(fft_.size() / 2 + 1);
  const std::span<float> re = scratch.first(bins);
  const std::span<float> im = scratch.subspan(bins, bins);
  for (std::size_t k = 0; k < bins; ++k) {
    spectral_bin(channels[k], channels[bins + k], form_ == BlockInverseStft::Form::log_polar_sine,
                 magnitude_limit_, &re[k], &im[k]);
  }
  fft_.transform(re, im, samples, scratch.subspan(2 * bins));
}

}  // namespace ondes
