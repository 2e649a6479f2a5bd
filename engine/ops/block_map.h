// The elementwise functions of block plans, one value at a time. engine/cpu/block_maps-inl.h repeats
// them lane by lane with the same bits. Any thread.
#pragma once
#include <cstddef>

#include "engine/deterministic_math.h"
#include "engine/plan/block_plan.h"

namespace ondes {

inline float map_value(const BlockMap& map, float x, int channel) noexcept {
  switch (map.kind) {
    case MapKind::none:
      return x;
    case MapKind::relu:
      return x < 0.0F ? 0.0F : x;
    case MapKind::leaky_relu:
      return x < 0.0F ? map.slope * x : x;
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
      const auto c = static_cast<std::size_t>(channel);
      float cosine = 0.0F;
      float sine = 0.0F;
      exact::cos_sin(map.alpha[c] * x, &cosine, &sine);
      return exact::fma(sine * sine, map.inverse_beta[c], x);
    }
    case MapKind::exp:
      return exact::exp(x);
  }
  return x;
}

}  // namespace ondes
