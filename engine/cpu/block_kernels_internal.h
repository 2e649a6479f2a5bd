// The kernels of block plans, one table an instruction set. Signals are time-major with a stride of
// whole vectors, so that a kernel may read and write a last vector beyond the channels. Dispatch
// happens once, when a runner is made. Render thread: every function.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/cpu/runner_options.h"
#include "engine/plan/block_plan.h"

namespace ondes {

// Channels of a frame stand in whole groups of this many floats, whatever the instruction set.
inline constexpr int kFrameAlignment = 16;

// A map with its parameters padded to a frame; they point at the first channel concerned.
struct PackedMap {
  MapKind kind = MapKind::none;
  float slope = 0.0F;
  const float* alpha = nullptr;
  const float* inverse_beta = nullptr;
};

// 8-bit form of a signal: byte = nearest(value * inverse[c] + zero[c]), held in 0..255. Both are
// padded like a map's parameters and stand at the first channel concerned.
struct QuantisedCall {
  std::uint8_t* to = nullptr;
  std::ptrdiff_t step = 0;
  const float* inverse = nullptr;
  const float* zero = nullptr;
};

// What becomes of sums (BlockEpilogue). Pointers stand at the first channel and frame of the call;
// steps are floats between successive frames of it.
struct FinishCall {
  const float* residual = nullptr;
  std::ptrdiff_t residual_step = 0;
  float scale = 1.0F;
  float* output = nullptr;
  std::ptrdiff_t output_step = 0;
  float* mapped = nullptr;
  std::ptrdiff_t mapped_step = 0;
  PackedMap map;
  QuantisedCall output_bytes;
  QuantisedCall mapped_bytes;
};

// Successive outputs of one panel: 1 or 2 vectors of output channels.
//   y[t] = bias + sum over k, i of w[k][i] x[t x_step + k tap_step + i]
struct ConvCall {
  const float* x = nullptr;
  std::ptrdiff_t x_step = 0;
  std::ptrdiff_t tap_step = 0;
  int taps = 0;
  int inputs = 0;
  int vectors = 0;
  const float* weights = nullptr;  // [tap][input][vectors * lanes]
  const float* bias = nullptr;     // [vectors * lanes]
  int frames = 0;
  FinishCall finish;
};

// The same in integers, four input channels a step: sum = start + sum over k, q of w[k][q] . x[...];
// y = sum * scale + bias. `start` takes the products of the inputs' zero away.
struct ConvI8Call {
  const std::uint8_t* x = nullptr;
  std::ptrdiff_t x_step = 0;  // bytes
  std::ptrdiff_t tap_step = 0;
  int taps = 0;
  int quads = 0;
  int vectors = 0;
  const std::int8_t* weights = nullptr;  // [tap][quad][vectors * lanes][4]
  const std::int32_t* start = nullptr;
  const float* scales = nullptr;
  const float* bias = nullptr;
  int frames = 0;
  FinishCall finish;
};

// Few outputs: vectors run over time. Weights [output][tap][input].
struct NarrowCall {
  const float* x = nullptr;
  std::ptrdiff_t x_step = 0;  // floats between frames of the input
  int taps = 0;
  int dilation = 1;
  int inputs = 0;
  int outputs = 0;
  const float* weights = nullptr;
  const float* bias = nullptr;
  int frames = 0;
  float* scratch = nullptr;  // narrow_scratch() floats
  FinishCall finish;
};
inline constexpr int kNarrowFrames = 128;  // of one pass of the narrow kernel
inline constexpr int kNarrowOutputs = 4;

// z = scale * sum of inputs. Frames stand `width` floats apart, of which the first `channels` (whole
// groups of the frame alignment) are written: a frame may be wider than its 8-bit form.
struct SumCall {
  const float* const* inputs = nullptr;
  int count = 0;
  int frames = 0;
  int width = 0;
  int channels = 0;
  FinishCall finish;
};

struct GateCall {
  const float* x = nullptr;
  int x_width = 0;
  int channels = 0;  // of the output
  int frames = 0;
  float* output = nullptr;
  int output_width = 0;
  PackedMap first;
  PackedMap second;
};

struct NormCall {
  const float* x = nullptr;
  int width = 0;
  int channels = 0;
  int frames = 0;
  float epsilon = 0.0F;
  const float* gain = nullptr;  // padded
  const float* bias = nullptr;
  float* output = nullptr;
};

// One step of one layer: gates i, f, g, o of `width` padded units each.
struct CellCall {
  const float* gates = nullptr;
  int width = 0;
  float* cell = nullptr;
  float* hidden = nullptr;
};

// Frames that no epilogue quantises; `width` and `channels` as of a sum.
struct QuantiseCall {
  const float* x = nullptr;
  int width = 0;
  int channels = 0;
  int frames = 0;
  QuantisedCall bytes;
};

struct BlockKernels {
  const char* name;  // for people: "avx512 (vnni)"
  int lanes;         // floats of a vector
  void (*conv)(const ConvCall& call) noexcept;
  void (*depthwise)(const ConvCall& call) noexcept;  // x and weights [tap][channel] side by side
  void (*narrow)(const NarrowCall& call) noexcept;
  void (*sum)(const SumCall& call) noexcept;
  void (*gate)(const GateCall& call) noexcept;
  void (*norm)(const NormCall& call) noexcept;
  void (*cell)(const CellCall& call) noexcept;
  void (*conv_i8)(const ConvI8Call& call) noexcept;
  void (*quantise)(const QuantiseCall& call) noexcept;
};

inline int narrow_pitch(int taps, int dilation) noexcept {
  return (kNarrowFrames + (taps - 1) * dilation + kFrameAlignment - 1) / kFrameAlignment *
         kFrameAlignment;
}

// Never null for Isa::scalar, whose kernels are plain loops.
const BlockKernels* block_kernels(Isa isa);
const BlockKernels* scalar_block_kernels();

}  // namespace ondes
