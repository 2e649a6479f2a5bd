// What a layer norm needs of a frame: mean and 1 / sqrt(variance + epsilon) over its channels.
//
// Sums go into 16 partial ones, channel c into number c mod 16, which are then folded by halves (0 +
// 8, 1 + 9, ...; 0 + 4, ...): an order that vectors of 8 and of 16 keep, so the bits are the same
// everywhere. Any thread.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "engine/deterministic_math.h"
#include "engine/host_device.h"

namespace ondes {

inline constexpr std::size_t kPartialSums = 16;

struct NormSums {
  float mean = 0.0F;
  float inverse_deviation = 1.0F;
};

ONDES_HOST_DEVICE inline float folded(std::array<float, kPartialSums> partial) noexcept {
  for (std::size_t width = kPartialSums / 2; width > 0; width /= 2) {
    for (std::size_t i = 0; i < width; ++i) {
      partial[i] = partial[i] + partial[i + width];
    }
  }
  return partial[0];
}

inline NormSums norm_sums(std::span<const float> frame, float epsilon) noexcept {
  const auto count = static_cast<float>(frame.size());
  std::array<float, kPartialSums> sum{};
  for (std::size_t c = 0; c < frame.size(); ++c) {
    sum[c % kPartialSums] = sum[c % kPartialSums] + frame[c];
  }
  NormSums result;
  result.mean = folded(sum) / count;
  std::array<float, kPartialSums> squares{};
  for (std::size_t c = 0; c < frame.size(); ++c) {
    const float x = frame[c] - result.mean;
    squares[c % kPartialSums] = exact::fma(x, x, squares[c % kPartialSums]);
  }
  result.inverse_deviation = 1.0F / std::sqrt(folded(squares) / count + epsilon);
  return result;
}

}  // namespace ondes
