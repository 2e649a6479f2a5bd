// Half precision (IEEE 754 binary16) as bits, and its conversions: the one place for files, weights
// and kernels.
//
//   value = (-1)^sign * 2^(exponent - 15) * 1.mantissa     5 bits of exponent, 10 of mantissa
//
// To half: rounded to nearest, ties to even, beyond 65519.99 infinite, below 2^-25 zero; NaN gives
// 0x7FFF. To float: exact. On a GPU the processor's own conversions, which are the same
// (tests/engine/test_half.cpp holds the host's to that rule over every half). Any thread.
#pragma once
#include <bit>
#include <cstdint>

#include "engine/host_device.h"

namespace ondes {

inline constexpr float kLargestHalf = 65504.0F;

ONDES_HOST_DEVICE inline float half_to_float(std::uint16_t half) noexcept {
#if defined(__CUDA_ARCH__)
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
  return value;
#else
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255U : exponent + 112U;  // 112: 127 - 15
  return std::bit_cast<float>(sign | (wide << 23U) | (mantissa << 13U));
#endif
}

ONDES_HOST_DEVICE inline std::uint16_t float_to_half(float value) noexcept {
#if defined(__CUDA_ARCH__)
  std::uint16_t half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
  return half;
#else
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return 0x7FFF;
  }
  if (magnitude >= 0x47800000U) {  // 65536
    return static_cast<std::uint16_t>(sign | 0x7C00U);
  }
  if (magnitude < 0x38800000U) {  // 2^-14: the ulp of numbers from 0.5 on is that of subnormals
    const auto shifted = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F);
    return static_cast<std::uint16_t>(sign | (shifted - 0x3F000000U));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13U) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13U) - (112U << 10U)));
#endif
}

// Two halves in a word, the first in its low bits: the order in memory.
ONDES_HOST_DEVICE inline std::uint32_t pack_halves(float first, float second) noexcept {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  std::uint32_t word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
#else
  return float_to_half(first) | (static_cast<std::uint32_t>(float_to_half(second)) << 16U);
#endif
}

ONDES_HOST_DEVICE inline float first_half(std::uint32_t word) noexcept {
  return half_to_float(static_cast<std::uint16_t>(word));
}

ONDES_HOST_DEVICE inline float second_half(std::uint32_t word) noexcept {
  return half_to_float(static_cast<std::uint16_t>(word >> 16U));
}

}  // namespace ondes
