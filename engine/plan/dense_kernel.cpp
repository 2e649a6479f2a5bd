// A dense layer by vectors of outputs: every lane of a vector is one output's own chain of fused
// multiply-adds, so the bits are those of evaluate_dense().
#include <cstdint>

#include "engine/plan/dense_network.h"

// The plain loops serve everything without a fused multiply-add.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/plan/dense_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/ops/math_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL

void dense_layer(const PackedDense& layer, const float* input, float* output) noexcept {
  const hn::CappedTag<float, kDensePadding> d;
  const auto step = static_cast<int>(hn::Lanes(d));
  for (int o = 0; o < layer.padded_outputs; o += step) {
    auto sum = hn::LoadU(d, layer.bias.data() + o);
    const float* weights = layer.weights.data() + o;
    for (int i = 0; i < layer.inputs; ++i) {
      sum = hn::MulAdd(hn::LoadU(d, weights), hn::Set(d, input[i]), sum);
      weights += layer.padded_outputs;
    }
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
