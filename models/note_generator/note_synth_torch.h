// The harmonic-plus-noise synthesizer of engine/plan/harmonic_noise_plan.h as a differentiable
// LibTorch operation for the CPU.
//
// Letters: B segments, T samples, W rows of a segment (padded), H partials, K noise taps.
// Gradients reach the amplitudes and the taps; phases and detuning are data. Sums run in the order
// of the plan; forward and backward are loops over segments, one thread each, so results do not
// depend on the number of threads. Set-up thread.
#pragma once
#include <torch/torch.h>

namespace ondes {

struct NoteSynthInput {
  torch::Tensor phase;         // (B, T) turns
  torch::Tensor row_index;     // (B, T) int32, the row in force, non-decreasing
  torch::Tensor turns;         // (B, W, H) detuning of a partial, turns a sample
  torch::Tensor noise;         // (B, T + K) white noise w; noise[t + K/2] is w(t)
  torch::Tensor starts_fresh;  // (B) int32: 1 where the segment begins at the onset (amplitudes
                               // rise from 0), 0 where it begins amid the note (from their targets)
  int hop_samples = 0;
};

// amplitudes (B, W, H), taps (B, W, K): targets of the rows. Returns (B, T).
torch::Tensor synthesize_note(const torch::Tensor& amplitudes,
                              const torch::Tensor& taps,
                              const NoteSynthInput& input);

}  // namespace ondes
