// One frame of an inverse short-time Fourier transform: channels of a network to N windowless
// samples (block_plan.h: BlockInverseStft).
//
// Set-up thread: constructor. Any thread: evaluate(), with its own scratch.
#pragma once
#include <span>

#include "engine/ops/inverse_fft.h"
#include "engine/plan/block_plan.h"
#include "engine/realtime.h"

namespace ondes {

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
