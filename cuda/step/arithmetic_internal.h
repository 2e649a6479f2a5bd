// The precisions of the step kernels: a quad's products, and how a value is stored in a vector.
//
// kInteger: a vector's values are integers of a scale, store() writes one. Else put() rounds a float
// to what a vector holds; kPlain: that is the float itself. Any thread.
#pragma once
#include <bit>
#include <cstdint>

#include "cuda/step/model_internal.h"
#include "cuda/step/thread_math.h"
#include "engine/half.h"
#include "engine/host_device.h"

namespace ondes::gpu {

struct F32Arithmetic {
  using Sum = float;
  static constexpr Precision kPrecision = Precision::f32;
  static constexpr bool kInteger = false;
  static constexpr bool kPlain = true;
  ONDES_HOST_DEVICE static float dot(const Quad& w, const Quad& x, float sum) {
    for (int i = 0; i < 4; ++i) {
      sum = exact::fma(std::bit_cast<float>(w.words[i]), std::bit_cast<float>(x.words[i]), sum);
    }
    return sum;
  }
  ONDES_HOST_DEVICE static void put(Quad* to, int index, float value) {
    reinterpret_cast<float*>(to)[index] = value;
  }
};

// Halves times halves: each product exact, sums in f32.
struct F16Arithmetic {
  using Sum = float;
  static constexpr Precision kPrecision = Precision::f16;
  static constexpr bool kInteger = false;
  static constexpr bool kPlain = false;
  ONDES_HOST_DEVICE static float dot(const Quad& w, const Quad& x, float sum) {
    for (int i = 0; i < 4; ++i) {
      sum = exact::fma(first_half(w.words[i]), first_half(x.words[i]), sum);
      sum = exact::fma(second_half(w.words[i]), second_half(x.words[i]), sum);
    }
    return sum;
  }
  ONDES_HOST_DEVICE static void put(Quad* to, int index, float value) {
    reinterpret_cast<std::uint16_t*>(to)[index] = float_to_half(value);
  }
};

struct I16Arithmetic {
  using Sum = std::int32_t;
  static constexpr Precision kPrecision = Precision::i16;
  static constexpr bool kInteger = true;
  static constexpr bool kPlain = false;
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
  static constexpr bool kPlain = false;
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
