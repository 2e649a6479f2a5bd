#include "engine/ops/spectral_frame.h"

#include <cstddef>

#include "engine/deterministic_math.h"

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
    float magnitude = exact::exp(channels[k]);
    if (magnitude_limit_ > 0.0F && magnitude > magnitude_limit_) {
      magnitude = magnitude_limit_;
    }
    float phase = channels[bins + k];
    float cosine = 0.0F;
    float sine = 0.0F;
    if (form_ == BlockInverseStft::Form::log_polar_sine) {
      exact::cos_sin(phase, &cosine, &sine);
      phase = sine;
    }
    exact::cos_sin(phase, &cosine, &sine);
    re[k] = magnitude * cosine;
    im[k] = magnitude * sine;
  }
  fft_.transform(re, im, samples, scratch.subspan(2 * bins));
}

}  // namespace ondes
