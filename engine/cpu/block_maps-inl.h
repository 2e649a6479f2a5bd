// The elementwise functions of block plans, vector by vector, with the bits of
// engine/ops/block_map.h: change one only together with the other. Included once per target.
#if defined(ONDES_CPU_BLOCK_MAPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_BLOCK_MAPS_INL_H_
#undef ONDES_CPU_BLOCK_MAPS_INL_H_
#else
#define ONDES_CPU_BLOCK_MAPS_INL_H_
#endif

#include <hwy/highway.h>

#include "engine/cpu/block_kernels_internal.h"
#include "engine/ops/math_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

// sin(x)^2: the quarter turn decides between the squares of sine and cosine, their signs vanish.
template <class D, class V>
HWY_INLINE V squared_sine(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const V magic = hn::Set(d, 12582912.0F);
  const V shifted = hn::MulAdd(x, hn::Set(d, 0.636619772F), magic);
  const V whole = hn::Sub(shifted, magic);
  V t = hn::MulAdd(whole, hn::Set(d, -1.57079637F), x);
  t = hn::MulAdd(whole, hn::Set(d, 4.37113883e-8F), t);
  const V t2 = hn::Mul(t, t);
  V s = hn::Set(d, 2.7557319e-6F);
  s = hn::MulAdd(s, t2, hn::Set(d, -1.9841270e-4F));
  s = hn::MulAdd(s, t2, hn::Set(d, 8.3333333e-3F));
  s = hn::MulAdd(s, t2, hn::Set(d, -1.6666667e-1F));
  s = hn::MulAdd(hn::Mul(s, t2), t, t);
  V c = hn::Set(d, 2.4801587e-5F);
  c = hn::MulAdd(c, t2, hn::Set(d, -1.3888889e-3F));
  c = hn::MulAdd(c, t2, hn::Set(d, 4.1666667e-2F));
  c = hn::MulAdd(c, t2, hn::Set(d, -5.0e-1F));
  c = hn::MulAdd(c, t2, hn::Set(d, 1.0F));
  const auto odd = hn::TestBit(hn::BitCast(du, shifted), hn::Set(du, 1U));
  const V size = hn::IfThenElse(hn::RebindMask(d, odd), c, s);
  return hn::Mul(size, size);
}

template <class D, class V>
HWY_INLINE V gelu_simd(D d, V x) {
  const V size = hn::Abs(x);
  const V one = hn::Set(d, 1.0F);
  const V t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911F * 0.707106781F), size, one));
  V p = hn::Set(d, 0.5F * 1.061405429F);
  p = hn::MulAdd(p, t, hn::Set(d, 0.5F * -1.453152027F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5F * 1.421413741F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5F * -0.284496736F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.5F * 0.254829592F));
  const V tail =
      hn::Mul(hn::Mul(p, t), exp_simd(d, hn::Mul(hn::Set(d, -0.5F), hn::Mul(size, size))));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, tail), hn::Mul(x, hn::Sub(one, tail)));
}

// `at`: the first channel of x within the map's parameters.
template <MapKind kKind, class D, class V>
HWY_INLINE V map_simd(D d, const PackedMap& map, V x, int at) {
  if constexpr (kKind == MapKind::relu) {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
  } else if constexpr (kKind == MapKind::leaky_relu) {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(hn::Set(d, map.slope), x), x);
  } else if constexpr (kKind == MapKind::tanh) {
    return tanh_simd(d, x);
  } else if constexpr (kKind == MapKind::sigmoid) {
    return sigmoid_simd(d, x);
  } else if constexpr (kKind == MapKind::silu) {
    return hn::Mul(x, sigmoid_simd(d, x));
  } else if constexpr (kKind == MapKind::gelu) {
    return gelu_simd(d, x);
  } else if constexpr (kKind == MapKind::hard_tanh) {
    return hn::Min(hn::Max(x, hn::Set(d, -1.0F)), hn::Set(d, 1.0F));
  } else if constexpr (kKind == MapKind::snake) {
    const V turned = hn::Mul(hn::LoadU(d, map.alpha + at), x);
    return hn::MulAdd(squared_sine(d, turned), hn::LoadU(d, map.inverse_beta + at), x);
  } else if constexpr (kKind == MapKind::exp) {
    return exp_simd(d, x);
  } else {
    return x;
  }
}

// Calls f with the kind as a compile-time constant.
template <class F>
HWY_INLINE void with_kind(MapKind kind, const F& f) {
  switch (kind) {
    case MapKind::none:
      return f(std::integral_constant<MapKind, MapKind::none>());
    case MapKind::relu:
      return f(std::integral_constant<MapKind, MapKind::relu>());
    case MapKind::leaky_relu:
      return f(std::integral_constant<MapKind, MapKind::leaky_relu>());
    case MapKind::tanh:
      return f(std::integral_constant<MapKind, MapKind::tanh>());
    case MapKind::sigmoid:
      return f(std::integral_constant<MapKind, MapKind::sigmoid>());
    case MapKind::silu:
      return f(std::integral_constant<MapKind, MapKind::silu>());
    case MapKind::gelu:
      return f(std::integral_constant<MapKind, MapKind::gelu>());
    case MapKind::hard_tanh:
      return f(std::integral_constant<MapKind, MapKind::hard_tanh>());
    case MapKind::snake:
      return f(std::integral_constant<MapKind, MapKind::snake>());
    case MapKind::exp:
      return f(std::integral_constant<MapKind, MapKind::exp>());
  }
}

#endif  // ONDES_SIMD_TARGET

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
