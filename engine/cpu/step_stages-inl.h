// Stages of a step that touch one lane: activations of a product, the gate, a conditioning row.
// Included once per target.
#if defined(ONDES_CPU_STEP_STAGES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_STEP_STAGES_INL_H_
#undef ONDES_CPU_STEP_STAGES_INL_H_
#else
#define ONDES_CPU_STEP_STAGES_INL_H_
#endif

#include <algorithm>
#include <span>

#include "engine/cpu/dot_products-inl.h"
#include "engine/cpu/step_model_internal.h"
#include "engine/ops/math_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

// Rounds x * inverse to integers and stores `count` (a multiple of 16) of them as activations.
template <DotFormat kFormat>
HWY_INLINE void store_quantized(const float* HWY_RESTRICT x,
                                int count,
                                float inverse,
                                std::uint32_t* to) {
  const DF d;
  const VF scale = hn::Set(d, inverse);
  for (int i = 0; i < count; i += kLanesF) {
    const VI q = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), scale));
    if constexpr (kFormat == DotFormat::i8_quads) {
      const hn::Rebind<std::uint8_t, DI> d8;
      hn::StoreU(hn::DemoteTo(d8, hn::Add(q, hn::Set(DI(), 128))), d8,
                 reinterpret_cast<std::uint8_t*>(to) + i);
    } else {
      const hn::Rebind<std::int16_t, DI> d16;
      hn::StoreU(hn::DemoteTo(d16, q), d16, reinterpret_cast<std::int16_t*>(to) + i);
    }
  }
}

// Floats to activations; returns their scale. `count` is a multiple of 16.
template <class Dot>
HWY_INLINE float store_activations(const float* HWY_RESTRICT x, int count, std::uint32_t* to) {
  const DF d;
  if constexpr (!Dot::kInteger) {
    for (int i = 0; i < count; i += kLanesF) {
      hn::StoreU(hn::LoadU(d, x + i), d, reinterpret_cast<float*>(to) + i);
    }
    return 1.0F;
  } else {
    VF largest = hn::Set(d, kSmallestMaximum);
    for (int i = 0; i < count; i += kLanesF) {
      largest = hn::Max(largest, hn::Abs(hn::LoadU(d, x + i)));
    }
    const float maximum = hn::GetLane(hn::MaxOfLanes(d, largest));
    constexpr auto kLevels = static_cast<float>(activation_levels(precision_of(Dot::kFormat)));
    store_quantized<Dot::kFormat>(x, count, kLevels / maximum, to);
    return maximum * (1.0F / kLevels);
  }
}

HWY_INLINE void relu_in_place(float* x, int count) {
  const DF d;
  for (int i = 0; i < count; i += kLanesF) {
    hn::StoreU(hn::Max(hn::LoadU(d, x + i), hn::Zero(d)), d, x + i);
  }
}

// Conditioning of all layers from a row.
HWY_NOINLINE void set_row(const StepModel& model,
                          StepScratch& scratch,
                          SlotState& slot,
                          std::span<const float> row) {
  const DF d;
  float* x = scratch.encoded(0);
  float* y = scratch.encoded(1);
  std::copy(row.begin(), row.end(), x);
  for (const DenseModel& dense : model.encoder) {
    const LaneOperands lane{reinterpret_cast<const std::uint32_t*>(x), 1.0F, dense.bias, y};
    product<DotF32>(dense.matrix, 1, &lane);
    if (dense.activation == Activation::relu) {
      relu_in_place(y, dense.matrix.outputs);
    } else if (dense.activation == Activation::tanh) {
      for (int i = 0; i < dense.matrix.outputs; i += kLanesF) {
        hn::StoreU(tanh_simd(d, hn::LoadU(d, y + i)), d, y + i);
      }
    }
    std::swap(x, y);
  }
  const LaneOperands lane{reinterpret_cast<const std::uint32_t*>(x), 1.0F, model.conditioning_bias,
                          slot.conditioning};
  product<DotF32>(model.conditioning, 1, &lane);
}

// z = tanh(a[0..G)) * sigmoid(a[G..2G)), stored as activations.
template <class Dot>
HWY_INLINE void gate(const float* HWY_RESTRICT a,
                     int gp,
                     const TanhTable& table,
                     std::uint32_t* z) {
  const DF d;
  for (int i = 0; i < gp; i += kLanesF) {
    const VF filter = hn::LoadU(d, a + i);
    const VF opening = hn::LoadU(d, a + gp + i);
    if constexpr (!Dot::kInteger) {
      hn::StoreU(hn::Mul(tanh_simd(d, filter), sigmoid_simd(d, opening)), d,
                 reinterpret_cast<float*>(z) + i);
    } else {
      HWY_ALIGN float value[kLanesF];
      hn::Store(hn::Mul(table_tanh_simd(d, table, filter), table_sigmoid_simd(d, table, opening)),
                d, value);
      constexpr auto kLevels = static_cast<float>(activation_levels(precision_of(Dot::kFormat)));
      store_quantized<Dot::kFormat>(value, kLanesF, kLevels, z + i / inputs_per_step(Dot::kFormat));
    }
  }
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
