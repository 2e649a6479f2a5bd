// The elementwise functions of block plans, one value at a time. engine/cpu/block_maps-inl.h repeats
// them lane by lane with the same bits; the kernels of cuda/ call this text. Any thread.
#pragma once
#include <cstddef>

#include "engine/deterministic_math.h"
#include "engine/host_device.h"
#include "engine/plan/block_plan.h"

namespace ondes {

// alpha and inverse_beta: the channel's, for snake only.
ONDES_HOST_DEVICE inline float map_value(
    MapKind kind, float slope, float alpha, float inverse_beta, float x) noexcept {
  switch (kind) {
    case MapKind::none:
      return x;
    case MapKind::relu:
      return x < 0.0F ? 0.0F : x;
    case MapKind::leaky_relu:
      return x < 0.0F ? slope * x : x;
    case MapKind::tanh:
      return exact::tanh(x);
    case MapKind::sigmoid:
      return exact::sigmoid(x);
    case MapKind::silu:
      return x * exact::sigmoid(x);
    case MapKind::gelu:
      return exact::gelu(x);
    case MapKind::hard_tanh:
      return x < -1.0F ? -1.0F : (x > 1.0F ? 1.0F : x);
    case MapKind::snake: {
      float cosine = 0.0F;
      float sine = 0.0F;
      exact::cos_sin(alpha * x, &cosine, &sine);
      return exact::fma(sine * sine, inverse_beta, x);
    }
    case MapKind::exp:
      return exact::exp(x);
  }
  return x;
}

inline float map_value(const BlockMap& map, float x, int channel) noexcept {
  const auto c = static_cast<std::size_t>(channel);
  const bool snake = map.kind == MapKind::snake;
  return map_value(map.kind, map.slope, snake ? map.alpha[c] : 0.0F,
                   snake ? map.inverse_beta[c] : 0.0F, x);
}

}  // namespace ondes
