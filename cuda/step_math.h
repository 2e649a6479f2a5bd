// The arithmetic of one thread of a step kernel: engine/deterministic_math.h, activation_table.h,
// quantization.h and sampling.h once more, for host and device.
//
// The same operations in the same order, so that a GPU gives the bits of the CPU: IEEE additions,
// multiplications, divisions, square roots, fused multiply-adds and integers, no library function.
// nvcc is told not to contract (-fmad=false), to divide and take roots exactly, and to flush
// denormals as the CPU runners do. tests/cuda/test_step_math.cpp compares bit by bit.
// Any thread.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "cuda/host_device.h"

namespace ondes::gpu {

ONDES_HOST_DEVICE inline float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return std::fma(a, b, c);
#endif
}

ONDES_HOST_DEVICE inline float magnitude(float x) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFU);
}

ONDES_HOST_DEVICE inline float larger(float a, float b) {
  return a < b ? b : a;
}

ONDES_HOST_DEVICE inline int smaller(int a, int b) {
  return b < a ? b : a;
}

ONDES_HOST_DEVICE inline float round_even(float x) {
  return (x + 12582912.0F) - 12582912.0F;
}

ONDES_HOST_DEVICE inline float exp2(float x) {
  x = x < -126.0F ? -126.0F : (x > 126.0F ? 126.0F : x);
  const float shifted = x + 12582912.0F;
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

ONDES_HOST_DEVICE inline float exp(float x) {
  return exp2(x * 1.44269504F);
}

ONDES_HOST_DEVICE inline float log(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t offset = bits - 0x3F3504F3U;
  const auto exponent = static_cast<std::int32_t>(offset) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23U));
  const float s = (m - 1.0F) / (m + 1.0F);
  const float s2 = s * s;
  float p = 2.2222222e-1F;
  p = fma(p, s2, 2.8571429e-1F);
  p = fma(p, s2, 4.0000000e-1F);
  p = fma(p, s2, 6.6666667e-1F);
  p = fma(p, s2, 2.0F);
  return fma(static_cast<float>(exponent), 6.9314718e-1F, p * s);
}

ONDES_HOST_DEVICE inline float tanh(float x) {
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

ONDES_HOST_DEVICE inline float sigmoid(float x) {
  return fma(0.5F, tanh(0.5F * x), 0.5F);
}

// `table` holds TanhTable's four rows of 32, one after the other.
inline constexpr int kTablePieces = 32;
inline constexpr int kTableFloats = 4 * kTablePieces;

ONDES_HOST_DEVICE inline float table_tanh(const float* table, float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const float scaled = std::bit_cast<float>(bits & 0x7FFFFFFFU) * (32.0F / 6.0F);
  const float position = scaled < 31.999998F ? scaled : 31.999998F;
  const auto k = static_cast<std::int32_t>(position);
  const float f = position - static_cast<float>(k);
  const float y = fma(fma(fma(table[3 * kTablePieces + k], f, table[2 * kTablePieces + k]), f,
                          table[kTablePieces + k]),
                      f, table[k]);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(y) | (bits & 0x80000000U));
}

ONDES_HOST_DEVICE inline float table_sigmoid(const float* table, float x) {
  return fma(0.5F, table_tanh(table, 0.5F * x), 0.5F);
}

ONDES_HOST_DEVICE inline float clamp_sample(float x) {
  return x < -1.0F ? -1.0F : (x > 1.0F ? 1.0F : x);
}

ONDES_HOST_DEVICE inline float square_root(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return std::sqrt(x);
#endif
}

ONDES_HOST_DEVICE inline float inverse_normal_cdf(float u) {
  const float q = u - 0.5F;
  if (magnitude(q) <= 0.425F) {
    const float r = 0.180625F - q * q;
    const float p =
        fma(fma(fma(59.109374720F, r, 159.29113202F), r, 50.434271938F), r, 3.3871327179F);
    const float d = fma(fma(fma(67.187563600F, r, 78.757757664F), r, 17.895169469F), r, 1.0F);
    return q * p / d;
  }
  const float tail = q < 0.0F ? u : 1.0F - u;
  float r = square_root(-log(tail));
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

// Uniform numbers 0 and 1 of a sample's Philox block (engine/random/philox.h).
struct Uniforms {
  float u0, u1;
};

ONDES_HOST_DEVICE inline Uniforms draw_uniforms(std::uint64_t seed,
                                                std::uint64_t identity,
                                                std::uint64_t sample) {
  std::uint32_t c0 = static_cast<std::uint32_t>(sample);
  std::uint32_t c1 = static_cast<std::uint32_t>(sample >> 32U);
  std::uint32_t c2 = static_cast<std::uint32_t>(identity);
  std::uint32_t c3 = static_cast<std::uint32_t>(identity >> 32U);
  std::uint32_t k0 = static_cast<std::uint32_t>(seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * c0;
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32U) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32U) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(product0);
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  constexpr float kCell = 1.0F / 8388608.0F;
  return {(static_cast<float>(c0 >> 9U) + 0.5F) * kCell,
          (static_cast<float>(c1 >> 9U) + 0.5F) * kCell};
}

// Four 8-bit products, two 16-bit products, added to an integer: exact in any order.
ONDES_HOST_DEVICE inline std::int32_t dot_i8(std::uint32_t a, std::uint32_t b, std::int32_t sum) {
#if defined(__CUDA_ARCH__)
  return __dp4a(static_cast<int>(a), static_cast<int>(b), sum);
#else
  for (unsigned shift = 0; shift < 32; shift += 8) {
    sum += static_cast<std::int8_t>(a >> shift) * static_cast<std::int8_t>(b >> shift);
  }
  return sum;
#endif
}

ONDES_HOST_DEVICE inline std::int32_t dot_i16(std::uint32_t a, std::uint32_t b, std::int32_t sum) {
  sum += static_cast<std::int16_t>(a) * static_cast<std::int16_t>(b);
  sum += static_cast<std::int16_t>(a >> 16U) * static_cast<std::int16_t>(b >> 16U);
  return sum;
}

// Raises *at to the bits of a number that is not negative: their order is that of the numbers.
ONDES_HOST_DEVICE inline void raise_maximum(std::uint32_t* at, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
#if defined(__CUDA_ARCH__)
  atomicMax(at, bits);
#else
  *at = *at < bits ? bits : *at;
#endif
}

}  // namespace ondes::gpu
