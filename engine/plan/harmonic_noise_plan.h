// A harmonic-plus-noise plan: a note as partials of its own phase and filtered noise, whose
// amplitudes a small network reads from the conditioning row. As plain data.
//
// models/ compiles a configuration and its weights into one; runners (engine/cpu, cuda) execute it
// without knowing the model's name. When a row opens at sample t_r:
//
//   c        = controls(row)                                             (H + N)
//   a_h      = exp(min(c_h, 6)) * fade(h f0 / fs)                        h = 1..H
//   k        = M [exp(min(c_H+b, 6))]_b                                  (K) taps of the noise filter
//   delta_h  = h f0 / fs (2^(detune_h(row) / 1200) - 1)                  turns a sample
//
// with f0 the row's pitch (its first feature), fade(x) = clamp((0.47 - x) / 0.05, 0, 1). From there
// a_h and k run on straight lines from where they stand to their targets, over one hop (as
// engine/lanes/level_ramp.h; from 0 at the onset), and sample t = t_r + j is
//
//   x(t) = sum over h of a_h(t) sin(2 pi (h phi(t) + psi_h(t)))  +  sum over i of k_i(t) w(t + K/2 - i)
//
// phi: the lane's phase in turns (its last sample feature); psi_h starts at 0 and advances by delta_h
// a sample; w: uniform noise of variance 1, Philox keyed by (seed, lane), counter t. Partials are
// summed in ascending order, then the taps, each by fused multiply-adds; so any split, company and
// instruction set gives the same bits.
//
// Letters: H partials, N noise bands, K noise taps (even), F row features.
// Source: sinusoids plus noise, X. Serra and J. Smith, Computer Music Journal 14(4), 1990; amplitudes
// from a network trained through the synthesizer, Engel et al., DDSP, 2020 (arXiv:2001.04643).
#pragma once
#include <span>
#include <vector>

#include "engine/plan/note_plan.h"

namespace ondes {

inline constexpr float kLargestLogAmplitude = 6.0F;
inline constexpr float kPartialFadeEnd = 0.47F;  // of the sample rate
inline constexpr float kPartialFadeWidth = 0.05F;

// The phase is the last of the sample features.
struct HarmonicNoisePlan : NotePlan {
  int hop_samples = 0;
  int partials = 0;     // H
  int noise_bands = 0;  // N
  int noise_taps = 0;   // K

  std::vector<DenseOp> controls;        // F -> H + N, ln amplitudes
  std::vector<DenseOp> detune;          // F -> H, cents above the harmonic; empty: none
  std::span<const float> noise_kernel;  // M (K, N)
};

// Throws Error{bad_input} naming the first field whose size contradicts the plan's shapes.
void validate(const HarmonicNoisePlan& plan);

}  // namespace ondes
