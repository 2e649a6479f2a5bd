// Dense layers over rows: the encoder, the conditioning of every layer, the input layer's features.
//
//   y[row][o] = activation(b[o] + sum over i, ascending, of W[o][i] x[row][i])
//
// One thread an output, one fused multiply-add an input: the CPU's sum to the last bit, in every
// precision. Neighbouring threads read neighbouring weights. Any thread.
#pragma once
#include <cstddef>

#include "cuda/step/call_internal.h"
#include "cuda/step/thread_math.h"
#include "engine/host_device.h"
#include "engine/plan/dense_op.h"

namespace ondes::gpu {

inline constexpr int kDenseThreads = 128;

ONDES_HOST_DEVICE inline float dense_output(const DenseCall& call, int row, int o) {
  const DenseView& view = call.view;
  const auto inputs = static_cast<std::size_t>(view.inputs);
  const auto* weights = reinterpret_cast<const float*>(call.image + view.weights) + o;
  const float* x = call.x + static_cast<std::size_t>(row) * inputs;
  float sum = reinterpret_cast<const float*>(call.image + view.bias)[o];
  for (std::size_t i = 0; i < inputs; ++i) {
    sum = exact::fma(weights[i * static_cast<std::size_t>(view.outputs)], x[i], sum);
  }
  if (view.activation == static_cast<int>(Activation::relu)) {
    return larger(sum, 0.0F);
  }
  return view.activation == static_cast<int>(Activation::tanh) ? exact::tanh(sum) : sum;
}

template <typename Block>
ONDES_HOST_DEVICE void run_dense(Block& block, const DenseCall& call) {
  block.phase([&](int thread) {
    const std::int64_t task = static_cast<std::int64_t>(block.index()) * block.threads() + thread;
    const std::int64_t outputs = call.view.outputs;
    if (task < call.rows * outputs) {
      call.y[task] =
          dense_output(call, static_cast<int>(task / outputs), static_cast<int>(task % outputs));
    }
  });
}

// Blocks of a launch.
inline int dense_blocks(const DenseCall& call) {
  const std::int64_t tasks = static_cast<std::int64_t>(call.rows) * call.view.outputs;
  return static_cast<int>((tasks + kDenseThreads - 1) / kDenseThreads);
}

}  // namespace ondes::gpu
