// The arithmetic of one thread of a step kernel that the engine does not have: dot products of
// packed integers, atomic maxima. The rest is the engine's own text, for host and device:
// engine/deterministic_math.h, engine/random/philox.h and engine/ops/{activation_table,quantization,
// output_distribution}.h, so that a GPU gives the bits of the CPU. Any thread.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "engine/deterministic_math.h"
#include "engine/host_device.h"
#include "engine/ops/activation_table.h"
#include "engine/ops/output_distribution.h"
#include "engine/ops/quantization.h"
#include "engine/random/philox.h"

namespace ondes::gpu {

ONDES_HOST_DEVICE inline float larger(float a, float b) {
  return a < b ? b : a;
}

ONDES_HOST_DEVICE inline int smaller(int a, int b) {
  return b < a ? b : a;
}

// `table` holds TanhTable's four rows, one after the other.
inline constexpr int kTableFloats = 4 * kTanhPieces;

ONDES_HOST_DEVICE inline float table_tanh(const float* table, float x) {
  return tanh_by_pieces(table, table + kTanhPieces, table + 2 * kTanhPieces,
                        table + 3 * kTanhPieces, x);
}

ONDES_HOST_DEVICE inline float table_sigmoid(const float* table, float x) {
  return exact::fma(0.5F, table_tanh(table, 0.5F * x), 0.5F);
}

#if defined(__CUDA_ARCH__)
__device__ inline float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
#endif

// tanh(filter) * sigmoid(gating), absolute error < 4e-7:
//
//   (1 - e) / ((1 + e) (1 + g))     e = exp(-2 filter), g = exp(-gating)
//
// One quotient instead of two, and on a GPU its own exponentials and quotient (relative errors of
// some 2^-22): for precisions that round what comes of it to a half.
ONDES_HOST_DEVICE inline float gated_value(float filter, float gating) {
  // Beyond these tanh is +-1 and sigmoid 0 or 1 to the last bit, and nothing overflows.
  filter = filter < -10.0F ? -10.0F : (filter > 10.0F ? 10.0F : filter);
  gating = gating < -40.0F ? -40.0F : (gating > 40.0F ? 40.0F : gating);
#if defined(__CUDA_ARCH__)
  const float e = fast_exp2(-2.88539008F * filter);
  const float g = fast_exp2(-1.44269504F * gating);
  return __fdividef(1.0F - e, (1.0F + e) * (1.0F + g));
#else
  const float e = exact::exp2(-2.88539008F * filter);
  const float g = exact::exp2(-1.44269504F * gating);
  return (1.0F - e) / ((1.0F + e) * (1.0F + g));
#endif
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
  const auto bits = std::bit_cast<std::uint32_t>(std::fabs(value));  // -0 is 0, not the largest
#if defined(__CUDA_ARCH__)
  atomicMax(at, bits);
#else
  *at = *at < bits ? bits : *at;
#endif
}

}  // namespace ondes::gpu
