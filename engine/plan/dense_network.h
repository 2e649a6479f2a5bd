// A few dense layers evaluated for one vector at a time: encoders and level networks, which run
// once a conditioning row and not once a sample.
//
//   x_0 = input,  x_i+1 = activation_i(W_i x_i + b_i)
//
// Every output accumulates over its inputs in ascending order with fused multiply-adds, starting
// from the bias, and activations are those of engine/deterministic_math.h: the same bits
// everywhere. evaluate_dense() says so in plain loops; DenseNetwork does the same with a vector of
// outputs at a time, because on real voices this costs as much as the lanes' whole conditioning.
// Set-up thread: constructor. Render thread: evaluate() (without scratch of the caller's, one
// thread an instance).
#pragma once
#include <span>
#include <vector>

#include "engine/buffer.h"
#include "engine/plan/dense_op.h"
#include "engine/realtime.h"

namespace ondes {

// A layer's weights turned round, (inputs, padded outputs), so that a vector holds neighbouring
// outputs. Padding is zero.
struct PackedDense {
  int inputs = 0;
  int outputs = 0;
  int padded_outputs = 0;  // a multiple of kDensePadding
  Activation activation = Activation::none;
  AlignedArray<float> weights;
  AlignedArray<float> bias;
};
inline constexpr int kDensePadding = 16;

// Writes layer.padded_outputs values. Null where this machine has no vectors with fused
// multiply-add.
using DenseKernel = void (*)(const PackedDense& layer, const float* input, float* output) noexcept;
DenseKernel dense_kernel();

class DenseNetwork {
 public:
  // Keeps the spans of `layers`, whose storage must outlive it. An empty network copies its input.
  // Throws Error{bad_input} if a layer's sizes contradict each other or its neighbour's.
  explicit DenseNetwork(std::vector<DenseOp> layers);

  bool empty() const noexcept { return layers_.empty(); }
  int inputs() const noexcept { return empty() ? 0 : layers_.front().inputs; }
  int outputs() const noexcept { return empty() ? 0 : layers_.back().outputs; }

  // input (inputs), output (outputs).
  void evaluate(std::span<const float> input, std::span<float> output) noexcept ONDES_REALTIME;
  // As above for several threads on one instance, each with scratch_size() floats of its own.
  std::size_t scratch_size() const noexcept { return scratch_.size(); }
  void evaluate(std::span<const float> input,
                std::span<float> output,
                std::span<float> scratch) const noexcept ONDES_REALTIME;

 private:
  std::vector<DenseOp> layers_;
  std::vector<PackedDense> packed_;
  DenseKernel kernel_ = nullptr;
  std::vector<float> scratch_;
};

// One layer, the judge: output = activation(W input + b). The spans may not overlap.
void evaluate_dense(const DenseOp& layer,
                    std::span<const float> input,
                    std::span<float> output) noexcept ONDES_REALTIME;

}  // namespace ondes
