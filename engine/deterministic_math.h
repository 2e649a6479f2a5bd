// Elementary functions that give the same bits on every machine: only IEEE additions,
// multiplications, divisions, fused multiply-adds and integer operations, in a fixed order, no
// library call. SIMD kernels repeat the same operations lane by lane (engine/ops/math_simd-inl.h),
// and a test demands equality to the last bit. The build sets -ffp-contract=off so that no compiler
// fuses more.
//
// Every function here is also a kernel's (cuda/): nvcc is told not to contract, to divide and take
// roots exactly, and to flush denormals as the CPU runners do.
//
// Errors are against double precision over the stated range;
// tests/engine/test_deterministic_math.cpp measures them. fma() is std::fma: exact on every
// machine, fast where the processor has it.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "engine/host_device.h"

namespace ondes::exact {

ONDES_HOST_DEVICE inline float fma(float a, float b, float c) noexcept {
  return std::fma(a, b, c);
}

// 2^x for x in [-126, 126], relative error < 2.5e-7; clamped outside.
// Degree-6 Chebyshev fit of 2^f on [-0.5, 0.5] (coefficients ln2^n / n! to float accuracy).
ONDES_HOST_DEVICE inline float exp2(float x) noexcept {
  x = x < -126.0F ? -126.0F : (x > 126.0F ? 126.0F : x);
  const float shifted = x + 12582912.0F;  // 1.5 * 2^23: rounds to the nearest integer
  const float whole = shifted - 12582912.0F;
  const float f = x - whole;
  float p = 1.5403530e-4F;
  p = fma(p, f, 1.3333558e-3F);
  p = fma(p, f, 9.6181291e-3F);
  p = fma(p, f, 5.5504109e-2F);
  p = fma(p, f, 2.4022651e-1F);
  p = fma(p, f, 6.9314718e-1F);
  p = fma(p, f, 1.0F);
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(whole) + 127) << 23U;
  return p * std::bit_cast<float>(exponent);
}

// e^x, relative error < 1e-6 for |x| < 10, < 5e-6 for |x| < 80 (that of rounding x / ln 2).
ONDES_HOST_DEVICE inline float exp(float x) noexcept {
  return exp2(x * 1.44269504F);
}

// Natural logarithm of a positive normal number, error < 3e-7: absolute while |ln x| < 1,
// relative beyond.
// x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh(s), s = (m - 1) / (m + 1).
ONDES_HOST_DEVICE inline float log(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t offset = bits - 0x3F3504F3U;  // 0x3F3504F3 = sqrt(1/2)
  const auto exponent = static_cast<std::int32_t>(offset) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23U));
  const float s = (m - 1.0F) / (m + 1.0F);
  const float s2 = s * s;
  float p = 2.2222222e-1F;  // 2/9
  p = fma(p, s2, 2.8571429e-1F);
  p = fma(p, s2, 4.0000000e-1F);
  p = fma(p, s2, 6.6666667e-1F);
  p = fma(p, s2, 2.0F);
  return fma(static_cast<float>(exponent), 6.9314718e-1F, p * s);
}

// Hyperbolic tangent, absolute error < 4e-7: an odd rational function of degree 13 over 6
// (coefficients of the widely used minimax fit on [-7.9, 7.9], as in Eigen's fast tanh).
ONDES_HOST_DEVICE inline float tanh(float x) noexcept {
  x = x < -7.9053111F ? -7.9053111F : (x > 7.9053111F ? 7.9053111F : x);
  const float x2 = x * x;
  float p = -2.76076847742355e-16F;
  p = fma(p, x2, 2.00018790482477e-13F);
  p = fma(p, x2, -8.60467152213735e-11F);
  p = fma(p, x2, 5.12229709037114e-08F);
  p = fma(p, x2, 1.48572235717979e-05F);
  p = fma(p, x2, 6.37261928875436e-04F);
  p = fma(p, x2, 4.89352455891786e-03F);
  p = p * x;
  float q = 1.19825839466702e-06F;
  q = fma(q, x2, 1.18534705686654e-04F);
  q = fma(q, x2, 2.26843463243900e-03F);
  q = fma(q, x2, 4.89352518554385e-03F);
  return p / q;
}

ONDES_HOST_DEVICE inline float sigmoid(float x) noexcept {
  return fma(0.5F, tanh(0.5F * x), 0.5F);
}

// cos and sin of 2 pi cycles for cycles in [-0.5, 0.5], absolute error < 3e-7.
// Taylor polynomials on an eighth of a turn after folding.
ONDES_HOST_DEVICE inline void cos_sin_turns(float cycles, float* cosine, float* sine) noexcept {
  const float quarter = cycles * 4.0F + 12582912.0F;  // nearest quarter turn
  const float whole = quarter - 12582912.0F;
  const float t = fma(whole, -0.25F, cycles) * 6.28318531F;  // |t| <= pi/4
  const float t2 = t * t;
  float s = 2.7557319e-6F;
  s = fma(s, t2, -1.9841270e-4F);
  s = fma(s, t2, 8.3333333e-3F);
  s = fma(s, t2, -1.6666667e-1F);
  s = fma(s * t2, t, t);
  float c = 2.4801587e-5F;
  c = fma(c, t2, -1.3888889e-3F);
  c = fma(c, t2, 4.1666667e-2F);
  c = fma(c, t2, -5.0e-1F);
  c = fma(c, t2, 1.0F);
  switch (static_cast<std::int32_t>(whole) & 3) {
    case 0:
      *cosine = c;
      *sine = s;
      break;
    case 1:
      *cosine = -s;
      *sine = c;
      break;
    case 2:
      *cosine = -c;
      *sine = -s;
      break;
    default:
      *cosine = s;
      *sine = -c;
      break;
  }
}

// sin of 2 pi cycles for cycles in [-0.5, 0.5], absolute error < 3e-7, without a branch: an odd
// polynomial of degree 9 (our own least-maximum fit on a quarter of a turn) after folding.
ONDES_HOST_DEVICE inline float sin_turns(float cycles) noexcept {
  const float folded = std::copysign(0.5F, cycles) - cycles;
  const float y = std::fabs(cycles) > 0.25F ? folded : cycles;
  const float y2 = y * y;
  float p = 39.536705F;
  p = fma(p, y2, -76.549782F);
  p = fma(p, y2, 81.601006F);
  p = fma(p, y2, -41.341656F);
  p = fma(p, y2, 6.2831850F);
  return p * y;
}

// sin x and cos x for |x| < 1e5, absolute error < 4e-7. The nearest multiple of a quarter turn is
// taken off in two parts of pi / 2 (Cody and Waite); the polynomials are those above.
ONDES_HOST_DEVICE inline void cos_sin(float x, float* cosine, float* sine) noexcept {
  const float shifted = fma(x, 0.636619772F, 12582912.0F);  // 2 / pi; nearest quarter turn
  const float whole = shifted - 12582912.0F;
  float t = fma(whole, -1.57079637F, x);
  t = fma(whole, 4.37113883e-8F, t);  // pi / 2 = 1.57079637 - 4.37113883e-8
  const float t2 = t * t;
  float s = 2.7557319e-6F;
  s = fma(s, t2, -1.9841270e-4F);
  s = fma(s, t2, 8.3333333e-3F);
  s = fma(s, t2, -1.6666667e-1F);
  s = fma(s * t2, t, t);
  float c = 2.4801587e-5F;
  c = fma(c, t2, -1.3888889e-3F);
  c = fma(c, t2, 4.1666667e-2F);
  c = fma(c, t2, -5.0e-1F);
  c = fma(c, t2, 1.0F);
  const auto quarter = std::bit_cast<std::uint32_t>(shifted);  // its low bits count quarter turns
  const bool swap = (quarter & 1U) != 0;
  const float sine_size = swap ? c : s;
  const float cosine_size = swap ? s : c;
  *sine = (quarter & 2U) != 0 ? -sine_size : sine_size;
  *cosine = ((quarter + 1U) & 2U) != 0 ? -cosine_size : cosine_size;
}

// x Phi(x) with Phi the normal distribution, absolute error < 5e-7. The tail Phi(-|x|) is half of
// Abramowitz and Stegun's 7.1.26 for erfc, so that it does not cancel.
ONDES_HOST_DEVICE inline float gelu(float x) noexcept {
  const float size = x < 0.0F ? -x : x;
  const float t = 1.0F / fma(0.3275911F * 0.707106781F, size, 1.0F);
  float p = 0.5F * 1.061405429F;
  p = fma(p, t, 0.5F * -1.453152027F);
  p = fma(p, t, 0.5F * 1.421413741F);
  p = fma(p, t, 0.5F * -0.284496736F);
  p = fma(p, t, 0.5F * 0.254829592F);
  const float tail = (p * t) * exp(-0.5F * (size * size));
  return x < 0.0F ? x * tail : x * (1.0F - tail);
}

// Inverse of the normal distribution function, relative error < 2e-6 (algorithm AS 241, PPND7:
// Wichura, Applied Statistics 37, 1988).
ONDES_HOST_DEVICE inline float inverse_normal_cdf(float u) noexcept {
  const float q = u - 0.5F;
  if (std::fabs(q) <= 0.425F) {
    const float r = 0.180625F - q * q;
    const float p =
        fma(fma(fma(59.109374720F, r, 159.29113202F), r, 50.434271938F), r, 3.3871327179F);
    const float d = fma(fma(fma(67.187563600F, r, 78.757757664F), r, 17.895169469F), r, 1.0F);
    return q * p / d;
  }
  const float tail = q < 0.0F ? u : 1.0F - u;
  float r = std::sqrt(-log(tail));
  float p = 0.0F;
  float d = 0.0F;
  if (r <= 5.0F) {
    r -= 1.6F;
    p = fma(fma(fma(0.17023821103F, r, 1.3067284816F), r, 2.7568153900F), r, 1.4234372777F);
    d = fma(fma(0.12021132975F, r, 0.73700164250F), r, 1.0F);
  } else {
    r -= 5.0F;
    p = fma(fma(fma(0.017337203997F, r, 0.42868294337F), r, 3.0812263860F), r, 6.6579051150F);
    d = fma(fma(0.012258202635F, r, 0.24197894225F), r, 1.0F);
  }
  return q < 0.0F ? -(p / d) : p / d;
}

}  // namespace ondes::exact
