// tanh and sigmoid of the integer precisions: a table of 32 cubics over |x| in [0, 6), odd beyond.
//
//   p = min(|x| * 32/6, 32-), k = floor(p), f = p - k
//   |tanh x| ~ ((c3_k f + c2_k) f + c1_k) f + c0_k
//
// Cubic Hermite pieces through the values and slopes of tanh at the knots: absolute error < 2e-5,
// a sixth of the i16 step. The table is computed from IEEE double operations alone, so it
// has the same bits on every machine. Static storage; any thread.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/deterministic_math.h"

namespace ondes {

inline constexpr int kTanhPieces = 32;
inline constexpr float kTanhPiecesPerUnit = 32.0F / 6.0F;
inline constexpr float kTanhLastPosition = 31.999998F;  // the float below 32

struct TanhTable {
  alignas(64) float c0[kTanhPieces];
  alignas(64) float c1[kTanhPieces];
  alignas(64) float c2[kTanhPieces];
  alignas(64) float c3[kTanhPieces];
};

const TanhTable& tanh_table();

// The cubic of |x|'s piece, with the sign of x; c0 to c3 are a table's rows. For host and device.
ONDES_HOST_DEVICE inline float tanh_by_pieces(
    const float* c0, const float* c1, const float* c2, const float* c3, float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const float magnitude = std::bit_cast<float>(bits & 0x7FFFFFFFU) * kTanhPiecesPerUnit;
  const float position = magnitude < kTanhLastPosition ? magnitude : kTanhLastPosition;
  const auto k = static_cast<std::int32_t>(position);
  const float f = position - static_cast<float>(k);
  const float y = exact::fma(exact::fma(exact::fma(c3[k], f, c2[k]), f, c1[k]), f, c0[k]);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(y) | (bits & 0x80000000U));
}

inline float table_tanh(const TanhTable& table, float x) noexcept {
  return tanh_by_pieces(table.c0, table.c1, table.c2, table.c3, x);
}

inline float table_sigmoid(const TanhTable& table, float x) noexcept {
  return exact::fma(0.5F, table_tanh(table, 0.5F * x), 0.5F);
}

}  // namespace ondes
