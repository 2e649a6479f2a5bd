// The inner loops of harmonic-plus-noise plans: plain ones, the judge, and the same in vectors over
// samples. Formula: engine/plan/harmonic_noise_plan.h. Every output is one chain of fused
// multiply-adds in the plan's order, so all tables give the same bits. Any thread.
#pragma once
#include "engine/cpu/runner_options.h"

namespace ondes {

inline constexpr int kHarmonicNoisePadding = 16;  // floats that kernels may touch behind n samples

// What is the same for both halves of a stretch of samples within one row: amplitude i at sample j
// of the stretch is from[i] + slope[i] ramp[j].
struct RampedStretch {
  int samples = 0;
  const float* ramp = nullptr;  // (samples)
  const float* from = nullptr;
  const float* slope = nullptr;
  float* out = nullptr;  // (samples), padded
};

struct PartialStretch : RampedStretch {
  int partials = 0;
  const float* phase = nullptr;     // (samples) turns, padded
  const float* position = nullptr;  // (samples) since the row opened, padded
  const float* psi = nullptr;       // (partials) turns
  const float* turns = nullptr;     // (partials) a sample
};

struct NoiseStretch : RampedStretch {
  int taps = 0;
  const float* noise = nullptr;  // (samples + taps): noise[j + taps - i] meets tap i at sample j
};

struct HarmonicNoiseKernels {
  const char* name;
  void (*write_partials)(const PartialStretch&) noexcept;  // out = sum over partials
  void (*add_noise)(const NoiseStretch&) noexcept;         // out += sum over taps
  // y (rows) = matrix (columns, rows) turned round times x (columns); rows a multiple of the padding.
  void (*multiply)(const float* matrix, const float* x, int rows, int columns, float* y) noexcept;
};

// Null if this machine does not have the instruction set. Scalar is always there.
const HarmonicNoiseKernels* harmonic_noise_kernels(Isa isa);

}  // namespace ondes
