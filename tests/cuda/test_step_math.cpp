// What the kernels read from a packed image, and their integer products, against engine/.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>

#include "cuda/step/pack.h"
#include "engine/ops/activation_table.h"
#include "engine/ops/quantization.h"
#include "engine/ops/sampling.h"
#include "tests/cuda/random_step_plan.h"

namespace ondes {
namespace {

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

TEST_CASE("table activations read from a packed image are the engine's, bit for bit") {
  const gpu::PackedStepModel model =
      gpu::pack_step_model(random_step_plan(StepShape{}, 3), Precision::i8);
  const auto* table = reinterpret_cast<const float*>(model.image.data() + model.view.tanh_table);
  std::size_t differences = 0;
  for (std::uint64_t i = 0; i < 40000; ++i) {
    const PhiloxBlock random = philox_draw(5, 6, i);
    // Numbers of all sizes that a float has in a network.
    const float size = exact::exp2(24.0F * uniform_open(random[0]) - 16.0F);
    const float x = (random[1] & 1U) != 0 ? size : -size;
    differences += same_bits(gpu::table_tanh(table, x), table_tanh(tanh_table(), x)) ? 0U : 1U;
    differences +=
        same_bits(gpu::table_sigmoid(table, x), table_sigmoid(tanh_table(), x)) ? 0U : 1U;
  }
  CHECK(differences == 0);
}

TEST_CASE("dot products of packed words are the sums of their parts' products") {
  const auto part = [](std::uint32_t word, int bits, int k) {
    const auto value = static_cast<std::int32_t>(word << (32 - bits * (k + 1)));
    return value >> (32 - bits);
  };
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const PhiloxBlock random = philox_draw(7, 8, i);
    std::int32_t by_bytes = 5;
    std::int32_t by_halves = -5;
    const std::uint32_t small =
        random[1] & 0x1FFF1FFFU;  // so that halves' products do not overflow
    for (int k = 0; k < 4; ++k) {
      by_bytes += part(random[0], 8, k) * part(random[1], 8, k);
    }
    for (int k = 0; k < 2; ++k) {
      by_halves += part(random[0], 16, k) * part(small, 16, k);
    }
    REQUIRE(gpu::dot_i8(random[0], random[1], 5) == by_bytes);
    REQUIRE(gpu::dot_i16(random[0], small, -5) == by_halves);
  }
}

// 4e-7 is what the function's head states: two exponentials of 2.5e-7 and their roundings, damped.
TEST_CASE("the gate of one quotient is tanh times sigmoid") {
  double worst = 0.0;
  for (std::uint64_t i = 0; i < 100000; ++i) {
    const PhiloxBlock random = philox_draw(11, 12, i);
    const float range = exact::exp2(10.0F * uniform_open(random[2]) - 3.0F);
    const float filter = range * (2.0F * uniform_open(random[0]) - 1.0F);
    const float gating = range * (2.0F * uniform_open(random[1]) - 1.0F);
    const double expected =
        std::tanh(static_cast<double>(filter)) / (1.0 + std::exp(-static_cast<double>(gating)));
    worst = std::max(worst,
                     std::fabs(expected - static_cast<double>(gpu::gated_value(filter, gating))));
  }
  CAPTURE(worst);
  CHECK(worst < 4e-7);
}

TEST_CASE("likelihoods from a packed image are OutputSampler's, bit for bit") {
  for (const auto& [distribution, choices] :
       {std::pair{Distribution::logistic_mixture, 10}, std::pair{Distribution::gaussian, 0},
        std::pair{Distribution::mu_law_categorical, 61}}) {
    StepShape shape;
    shape.distribution = distribution;
    shape.choices = choices;
    const StepPlan plan = random_step_plan(shape, 3);
    const OutputSampler judge(plan);
    const gpu::PackedStepModel model = gpu::pack_step_model(plan, Precision::f32);
    DistributionView sampler = model.view.sampler;
    const auto floats = [&](std::uint32_t offset) {
      return reinterpret_cast<const float*>(model.image.data() + offset);
    };
    sampler.decoded = floats(model.view.decoded);
    sampler.log_class_bins = floats(model.view.log_class_bins);
    std::vector<float> head(static_cast<std::size_t>(plan.output.outputs));
    std::size_t differences = 0;
    for (std::uint64_t i = 0; i < 3000; ++i) {
      for (std::size_t o = 0; o < head.size(); ++o) {
        head[o] = 8.0F * uniform_open(philox_draw(9, o, i)[0]) - (i % 3 == 0 ? 9.0F : 4.0F);
      }
      const float sample = 2.4F * uniform_open(philox_draw(10, 0, i)[0]) - 1.2F;
      differences += same_bits(log_likelihood(sampler, head.data(), sample),
                               judge.log_likelihood(head, sample))
                         ? 0U
                         : 1U;
      if (distribution == Distribution::mu_law_categorical) {
        differences += class_of(sampler, sample) == judge.class_of(sample) ? 0U : 1U;
      }
    }
    CAPTURE(static_cast<int>(distribution));
    CHECK(differences == 0);  // whole draws: tests/cuda/test_step_kernel.cpp
  }
}

}  // namespace
}  // namespace ondes
