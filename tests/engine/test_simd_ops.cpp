// Every vector operation, on every instruction set this machine has, against the scalar one: bit
// for bit. Elementary functions over a sweep of floats; products over every tile shape and format.
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <vector>

#include "engine/cpu/packed_matrix.h"
#include "engine/cpu/runner_options.h"
#include "engine/deterministic_math.h"
#include "engine/ops/activation_table.h"
#include "engine/ops/simd_targets.h"
#include "engine/random/philox.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/engine/test_simd_ops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/cpu/dot_products-inl.h"
#include "engine/ops/math_simd-inl.h"

#ifndef ONDES_TEST_SIMD_OPS_TABLE_
#define ONDES_TEST_SIMD_OPS_TABLE_
namespace ondes {
enum class Function { exp, tanh, sigmoid, table_tanh, table_sigmoid };
struct SimdOps {
  const char* name;
  DotFormat i8_format;
  void (*apply)(Function function, const float* x, float* y, int count);
  void (*multiply)(DotFormat format,
                   const PackedMatrix& m,
                   int lanes,
                   const LaneOperands* operands);
};
}  // namespace ondes
#endif

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

VF value_of(Function function, VF x) {
  const DF d;
  switch (function) {
    case Function::exp:
      return exp_simd(d, x);
    case Function::tanh:
      return tanh_simd(d, x);
    case Function::sigmoid:
      return sigmoid_simd(d, x);
    case Function::table_tanh:
      return table_tanh_simd(d, tanh_table(), x);
    case Function::table_sigmoid:
      return table_sigmoid_simd(d, tanh_table(), x);
  }
  return x;
}

void apply(Function function, const float* x, float* y, int count) {
  for (int i = 0; i < count; i += kLanesF) {
    hn::StoreU(value_of(function, hn::LoadU(DF(), x + i)), DF(), y + i);
  }
}

void multiply(DotFormat format, const PackedMatrix& m, int lanes, const LaneOperands* operands) {
  if (format == DotFormat::f32) {
    product<DotF32>(m, lanes, operands);
  } else if (format == DotFormat::i16_pairs) {
    product<DotI16>(m, lanes, operands);
  } else {
    product<DotI8>(m, lanes, operands);
  }
}

const SimdOps* ops() {
  static const SimdOps kOps{hwy::TargetName(HWY_TARGET), DotI8::kFormat, &apply, &multiply};
  return &kOps;
}

#else

const SimdOps* ops() {
  return nullptr;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {
namespace {

std::vector<const SimdOps*> supported_ops() {
  using Maker = const SimdOps* (*)();
  const std::vector<std::pair<std::int64_t, Maker>> makers{
      {HWY_AVX2, HWY_CHOOSE_AVX2(ops)},
      {HWY_AVX3, HWY_CHOOSE_AVX3(ops)},
      {HWY_AVX3_DL, HWY_CHOOSE_AVX3_DL(ops)},
  };
  std::vector<const SimdOps*> found;
  for (const auto& [target, maker] : makers) {
    if ((hwy::SupportedTargets() & target) != 0 && maker != nullptr && maker() != nullptr) {
      found.push_back(maker());
    }
  }
  return found;
}

float judge(Function function, float x) {
  switch (function) {
    case Function::exp:
      return exact::exp(x);
    case Function::tanh:
      return exact::tanh(x);
    case Function::sigmoid:
      return exact::sigmoid(x);
    case Function::table_tanh:
      return table_tanh(tanh_table(), x);
    case Function::table_sigmoid:
      return table_sigmoid(tanh_table(), x);
  }
  return x;
}

TEST_CASE("vector functions give the scalar functions' bits") {
  constexpr int kCount = 1 << 16;
  std::vector<float> x(kCount);
  for (int i = 0; i < kCount; ++i) {
    // Every magnitude from 2^-30 to 2^30, both signs, and zero.
    const float mantissa = 1.0F + static_cast<float>(i % 997) / 997.0F;
    const float magnitude = std::ldexp(mantissa, i % 61 - 30);
    x[static_cast<std::size_t>(i)] = i == 0 ? 0.0F : (i % 2 == 0 ? magnitude : -magnitude);
  }
  std::vector<float> y(kCount);
  for (const SimdOps* ops : supported_ops()) {
    for (const Function function : {Function::exp, Function::tanh, Function::sigmoid,
                                    Function::table_tanh, Function::table_sigmoid}) {
      ops->apply(function, x.data(), y.data(), kCount);
      int different = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float expected = judge(function, x[i]);
        different += std::memcmp(&expected, &y[i], sizeof(float)) == 0 ? 0 : 1;
      }
      CAPTURE(ops->name, static_cast<int>(function));
      CHECK(different == 0);
    }
  }
}

// One product of random numbers in every format, by packed matrix and by plain loops.
struct ProductCase {
  int inputs;
  int outputs;
  int lanes;
};

float uniform(std::uint64_t stream, std::size_t index) {
  return 2.0F * uniform_open(philox_draw(3, stream, index)[0]) - 1.0F;
}

int differences(const SimdOps& ops, DotFormat format, const ProductCase& c) {
  const auto inputs = static_cast<std::size_t>(c.inputs);
  const auto outputs = static_cast<std::size_t>(c.outputs);
  const auto lanes = static_cast<std::size_t>(c.lanes);
  std::vector<float> weights(inputs * outputs);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = uniform(1, i);
  }
  PackedMatrix matrix;
  WeightArena arena;
  arena.add(&matrix, format, weights, c.outputs, c.inputs, c.inputs,
            {padded_identity(c.outputs, kOutputPadding), padded_identity(c.inputs, 1)});
  arena.finish();
  const std::size_t padded = static_cast<std::size_t>(matrix.outputs);
  const auto words = static_cast<std::size_t>(matrix.steps);
  const bool integer = format != DotFormat::f32;
  const int levels = integer ? activation_levels(precision_of(format)) : 1;
  std::vector<std::uint32_t> x(words * lanes, 0);
  std::vector<float> init(padded * lanes);
  std::vector<float> out(padded * lanes, -7.0F);
  std::vector<float> values(inputs * lanes);
  std::vector<LaneOperands> operands;
  for (std::size_t n = 0; n < lanes; ++n) {
    const float scale = integer ? 0.01F + 0.001F * static_cast<float>(n) : 1.0F;
    for (std::size_t o = 0; o < padded; ++o) {
      init[n * padded + o] = uniform(2 + n, o);
    }
    for (std::size_t i = 0; i < inputs; ++i) {
      const float value = uniform(100 + n, i);
      std::uint32_t* row = x.data() + n * words;
      const int q = static_cast<int>(round_even(value * static_cast<float>(levels)));
      values[n * inputs + i] = integer ? static_cast<float>(q) : value;
      if (format == DotFormat::f32) {
        std::memcpy(row + i, &value, sizeof(float));
      } else if (format == DotFormat::i8_quads) {
        reinterpret_cast<std::uint8_t*>(row)[i] = static_cast<std::uint8_t>(q + 128);
      } else {
        reinterpret_cast<std::int16_t*>(row)[i] = static_cast<std::int16_t>(q);
      }
    }
    operands.push_back(
        {x.data() + n * words, scale, init.data() + n * padded, out.data() + n * padded});
  }
  ops.multiply(format, matrix, c.lanes, operands.data());
  const QuantizedRows rows =
      integer ? quantize_rows(weights, c.outputs, c.inputs, c.inputs, precision_of(format))
              : QuantizedRows{};
  int different = 0;
  for (std::size_t n = 0; n < lanes; ++n) {
    for (std::size_t o = 0; o < outputs; ++o) {
      float expected = init[n * padded + o];
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < inputs; ++i) {
        const float value = values[n * inputs + i];
        if (integer) {
          sum += rows.values[o * inputs + i] * static_cast<std::int32_t>(value);
        } else {
          expected = exact::fma(weights[o * inputs + i], value, expected);
        }
      }
      if (integer) {
        expected =
            exact::fma(static_cast<float>(sum), rows.scales[o] * operands[n].scale, expected);
      }
      different += expected == out[n * padded + o] ? 0 : 1;
    }
  }
  return different;
}

TEST_CASE("packed products give the plain loops' bits in every tile shape and format") {
  for (const SimdOps* ops : supported_ops()) {
    for (const DotFormat format : {DotFormat::f32, DotFormat::i16_pairs, ops->i8_format}) {
      for (const int outputs : {1, 16, 17, 40, 64, 65, 112, 128, 190, 256, 300, 400}) {
        for (const int lanes : {1, 2, 3, 4, 5, 7, 16}) {
          const int inputs = 1 + (outputs * 7 + lanes) % 67;
          CAPTURE(ops->name, static_cast<int>(format), inputs, outputs, lanes);
          CHECK(differences(*ops, format, {inputs, outputs, lanes}) == 0);
        }
      }
    }
  }
}

TEST_CASE("integer sums of the largest weights and activations do not overflow") {
  for (const Precision precision : {Precision::i16, Precision::i8}) {
    for (const int inputs : {1, 3, 64, 1280, 4096}) {
      const std::vector<float> weights(static_cast<std::size_t>(inputs), -1.0F);
      const QuantizedRows rows = quantize_rows(weights, 1, inputs, inputs, precision);
      std::int64_t sum = 0;
      for (const std::int16_t w : rows.values) {
        sum += std::abs(w) * static_cast<std::int64_t>(precision == Precision::i8 ? 255 : 8191);
      }
      CHECK(sum < (std::int64_t{1} << 31U));
      CHECK(sum > 0);
    }
  }
}

}  // namespace
}  // namespace ondes
#endif  // HWY_ONCE
