// The functions of engine/deterministic_math.h and of the activation table, lane by lane.
//
// The same operations in the same order as the scalar code, so the bits are the same: change one
// only together with the other. Included once per target by Highway's foreach_target; needs a
// target with fused multiply-add (AVX2 and better).
#if defined(ONDES_OPS_MATH_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_OPS_MATH_SIMD_INL_H_
#undef ONDES_OPS_MATH_SIMD_INL_H_
#else
#define ONDES_OPS_MATH_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include "engine/ops/activation_table.h"
#include "engine/ops/simd_targets.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

template <class D, class V>
HWY_INLINE V exp2_simd(D d, V x) {
  const hn::RebindToSigned<D> di;
  x = hn::Min(hn::Max(x, hn::Set(d, -126.0F)), hn::Set(d, 126.0F));
  const V magic = hn::Set(d, 12582912.0F);
  const V whole = hn::Sub(hn::Add(x, magic), magic);
  const V f = hn::Sub(x, whole);
  V p = hn::Set(d, 1.5403530e-4F);
  p = hn::MulAdd(p, f, hn::Set(d, 1.3333558e-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 9.6181291e-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 5.5504109e-2F));
  p = hn::MulAdd(p, f, hn::Set(d, 2.4022651e-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 6.9314718e-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, whole), hn::Set(di, 127)));
  return hn::Mul(p, hn::BitCast(d, exponent));
}

template <class D, class V>
HWY_INLINE V exp_simd(D d, V x) {
  return exp2_simd(d, hn::Mul(x, hn::Set(d, 1.44269504F)));
}

template <class D, class V>
HWY_INLINE V tanh_simd(D d, V x) {
  x = hn::Min(hn::Max(x, hn::Set(d, -7.9053111F)), hn::Set(d, 7.9053111F));
  const V x2 = hn::Mul(x, x);
  V p = hn::Set(d, -2.76076847742355e-16F);
  p = hn::MulAdd(p, x2, hn::Set(d, 2.00018790482477e-13F));
  p = hn::MulAdd(p, x2, hn::Set(d, -8.60467152213735e-11F));
  p = hn::MulAdd(p, x2, hn::Set(d, 5.12229709037114e-08F));
  p = hn::MulAdd(p, x2, hn::Set(d, 1.48572235717979e-05F));
  p = hn::MulAdd(p, x2, hn::Set(d, 6.37261928875436e-04F));
  p = hn::MulAdd(p, x2, hn::Set(d, 4.89352455891786e-03F));
  p = hn::Mul(p, x);
  V q = hn::Set(d, 1.19825839466702e-06F);
  q = hn::MulAdd(q, x2, hn::Set(d, 1.18534705686654e-04F));
  q = hn::MulAdd(q, x2, hn::Set(d, 2.26843463243900e-03F));
  q = hn::MulAdd(q, x2, hn::Set(d, 4.89352518554385e-03F));
  return hn::Div(p, q);
}

template <class D, class V>
HWY_INLINE V sigmoid_simd(D d, V x) {
  const V half = hn::Set(d, 0.5F);
  return hn::MulAdd(half, tanh_simd(d, hn::Mul(half, x)), half);
}

template <class D, class V>
HWY_INLINE V sin_turns_simd(D d, V cycles) {
  const V magnitude = hn::Abs(cycles);
  const V folded = hn::Sub(hn::CopySign(hn::Set(d, 0.5F), cycles), cycles);
  const V y = hn::IfThenElse(hn::Gt(magnitude, hn::Set(d, 0.25F)), folded, cycles);
  const V y2 = hn::Mul(y, y);
  V p = hn::Set(d, 39.536705F);
  p = hn::MulAdd(p, y2, hn::Set(d, -76.549782F));
  p = hn::MulAdd(p, y2, hn::Set(d, 81.601006F));
  p = hn::MulAdd(p, y2, hn::Set(d, -41.341656F));
  p = hn::MulAdd(p, y2, hn::Set(d, 6.2831850F));
  return hn::Mul(p, y);
}

// One entry of a 32-float table a lane.
template <class D, class VI>
HWY_INLINE hn::Vec<D> lookup32(D d, const float* HWY_RESTRICT table, VI index) {
#if HWY_TARGET == HWY_AVX2
  return hn::GatherIndex(d, table, index);
#else
  return hn::Vec<D>{
      _mm512_permutex2var_ps(hn::Load(d, table).raw, index.raw, hn::Load(d, table + 16).raw)};
#endif
}

template <class D, class V>
HWY_INLINE V table_tanh_simd(D d, const TanhTable& table, V x) {
  const hn::RebindToSigned<D> di;
  const V magnitude = hn::Mul(hn::Abs(x), hn::Set(d, kTanhPiecesPerUnit));
  const V position = hn::Min(magnitude, hn::Set(d, kTanhLastPosition));
  const auto piece = hn::ConvertTo(di, position);
  const V f = hn::Sub(position, hn::ConvertTo(d, piece));
  V y = lookup32(d, table.c3, piece);
  y = hn::MulAdd(y, f, lookup32(d, table.c2, piece));
  y = hn::MulAdd(y, f, lookup32(d, table.c1, piece));
  y = hn::MulAdd(y, f, lookup32(d, table.c0, piece));
  return hn::Or(y, hn::And(x, hn::SignBit(d)));
}

template <class D, class V>
HWY_INLINE V table_sigmoid_simd(D d, const TanhTable& table, V x) {
  const V half = hn::Set(d, 0.5F);
  return hn::MulAdd(half, table_tanh_simd(d, table, hn::Mul(half, x)), half);
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
