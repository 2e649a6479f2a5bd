// The precisions of the step kernels: a quad's products, and how a value is stored in a vector.
// Any thread.
#pragma once
#include <bit>
#include <cstdint>

#include "cuda/step_math.h"
#include "cuda/step_model_internal.h"
#include "engine/host_device.h"

namespace ondes::gpu {

struct F32Arithmetic {
  using Sum = float;
  static constexpr Precision kPrecision = Precision::f32;
  static constexpr bool kInteger = false;
  ONDES_HOST_DEVICE static float dot(const Quad& w, const Quad& x, float sum) {
    for (int i = 0; i < 4; ++i) {
      sum = exact::fma(std::bit_cast<float>(w.words[i]), std::bit_cast<float>(x.words[i]), sum);
    }
    return sum;
  }
  ONDES_HOST_DEVICE static void store(Quad* to, int index, std::int32_t value) {
    reinterpret_cast<float*>(to)[index] = static_cast<float>(value);
  }
};

struct I16Arithmetic {
  using Sum = std::int32_t;
  static constexpr Precision kPrecision = Precision::i16;
  static constexpr bool kInteger = true;
  ONDES_HOST_DEVICE static std::int32_t dot(const Quad& w, const Quad& x, std::int32_t sum) {
    for (int i = 0; i < 4; ++i) {
      sum = dot_i16(w.words[i], x.words[i], sum);
    }
    return sum;
  }
  ONDES_HOST_DEVICE static void store(Quad* to, int index, std::int32_t value) {
    reinterpret_cast<std::int16_t*>(to)[index] = static_cast<std::int16_t>(value);
  }
};

struct I8Arithmetic {
  using Sum = std::int32_t;
  static constexpr Precision kPrecision = Precision::i8;
  static constexpr bool kInteger = true;
  ONDES_HOST_DEVICE static std::int32_t dot(const Quad& w, const Quad& x, std::int32_t sum) {
    for (int i = 0; i < 4; ++i) {
      sum = dot_i8(w.words[i], x.words[i], sum);
    }
    return sum;
  }
  ONDES_HOST_DEVICE static void store(Quad* to, int index, std::int32_t value) {
    reinterpret_cast<std::int8_t*>(to)[index] = static_cast<std::int8_t>(value);
  }
};

}  // namespace ondes::gpu
