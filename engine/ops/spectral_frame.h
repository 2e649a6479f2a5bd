// One frame of an inverse short-time Fourier transform: channels of a network to N windowless
// samples (block_plan.h: BlockInverseStft).
//
// Set-up thread: constructor. Any thread: evaluate(), with its own scratch.
#pragma once
#include <span>

#include "engine/deterministic_math.h"
#include "engine/host_device.h"
#include "engine/ops/inverse_fft.h"
#include "engine/plan/block_plan.h"
#include "engine/realtime.h"

namespace ondes {

// One bin of a spectrum. `sine_phase`: the phase is the sine of what is given. A limit of 0 is none.
ONDES_HOST_DEVICE inline void spectral_bin(float log_magnitude,
                                           float phase,
                                           bool sine_phase,
                                           float magnitude_limit,
                                           float* re,
                                           float* im) noexcept {
  float magnitude = exact::exp(log_magnitude);
  if (magnitude_limit > 0.0F && magnitude > magnitude_limit) {
    magnitude = magnitude_limit;
  }
  float cosine = 0.0F;
  float sine = 0.0F;
  if (sine_phase) {
    exact::cos_sin(phase, &cosine, &sine);
    phase = sine;
  }
  exact::cos_sin(phase, &cosine, &sine);
  *re = magnitude * cosine;
  *im = magnitude * sine;
}

class SpectralFrame {
 public:
  SpectralFrame() = default;
  explicit SpectralFrame(const BlockInverseStft& op);

  // channels (N + 2); samples (N); scratch (scratch_size()).
  void evaluate(std::span<const float> channels,
                std::span<float> samples,
                std::span<float> scratch) const noexcept ONDES_REALTIME;
  int scratch_size() const noexcept;

 private:
  InverseFft fft_;
  BlockInverseStft::Form form_ = BlockInverseStft::Form::log_polar;
  float magnitude_limit_ = 0.0F;
};

// A sum of squared windows below this leaves the sample at zero, as torch.istft refuses it.
inline constexpr float kSmallestEnvelope = 1e-11F;

}  // namespace ondes
