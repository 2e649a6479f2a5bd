// A dense layer by vectors of outputs: every lane of a vector is one output's own chain of fused
// multiply-adds, so the bits are those of evaluate_dense().
#include <cstdint>

#include "engine/ops/simd_targets.h"
#include "engine/plan/dense_network.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/plan/dense_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/ops/math_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

void dense_layer(const PackedDense& layer, const float* input, float* output) noexcept {
  const hn::CappedTag<float, kDensePadding> d;
  const auto step = static_cast<int>(hn::Lanes(d));
  const auto put = [&](auto sum, int o) {
    switch (layer.activation) {
      case Activation::relu:
        sum = hn::Max(sum, hn::Zero(d));
        break;
      case Activation::tanh:
        sum = tanh_simd(d, sum);
        break;
      case Activation::none:
        break;
    }
    hn::StoreU(sum, d, output + o);
  };
  const float* const bias = layer.bias.data();
  int o = 0;
  // Four vectors at a time hide the latency of the chains.
  for (; o + 4 * step <= layer.padded_outputs; o += 4 * step) {
    auto sum0 = hn::LoadU(d, bias + o);
    auto sum1 = hn::LoadU(d, bias + o + step);
    auto sum2 = hn::LoadU(d, bias + o + 2 * step);
    auto sum3 = hn::LoadU(d, bias + o + 3 * step);
    const float* weights = layer.weights.data() + o;
    for (int i = 0; i < layer.inputs; ++i) {
      const auto x = hn::Set(d, input[i]);
      sum0 = hn::MulAdd(hn::LoadU(d, weights), x, sum0);
      sum1 = hn::MulAdd(hn::LoadU(d, weights + step), x, sum1);
      sum2 = hn::MulAdd(hn::LoadU(d, weights + 2 * step), x, sum2);
      sum3 = hn::MulAdd(hn::LoadU(d, weights + 3 * step), x, sum3);
      weights += layer.padded_outputs;
    }
    put(sum0, o);
    put(sum1, o + step);
    put(sum2, o + 2 * step);
    put(sum3, o + 3 * step);
  }
  for (; o < layer.padded_outputs; o += step) {
    auto sum = hn::LoadU(d, bias + o);
    const float* weights = layer.weights.data() + o;
    for (int i = 0; i < layer.inputs; ++i) {
      sum = hn::MulAdd(hn::LoadU(d, weights), hn::Set(d, input[i]), sum);
      weights += layer.padded_outputs;
    }
    put(sum, o);
  }
}

DenseKernel kernel() {
  return &dense_layer;
}

#else

DenseKernel kernel() {
  return nullptr;
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {
namespace {

HWY_EXPORT(kernel);

}  // namespace

DenseKernel dense_kernel() {
  return HWY_DYNAMIC_DISPATCH(kernel)();
}

}  // namespace ondes
#endif  // HWY_ONCE
