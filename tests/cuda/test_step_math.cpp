// The kernels' arithmetic against engine/: the same operations, so the same bits.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>

#include "cuda/step_pack.h"
#include "engine/ops/activation_table.h"
#include "engine/ops/quantization.h"
#include "engine/ops/sampling.h"
#include "tests/cuda/random_step_plan.h"

namespace ondes {
namespace {

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// Numbers of all sizes that a float has in a network, and the edges.
std::vector<float> arguments() {
  std::vector<float> values{0.0F, -0.0F, 1.0F,   -1.0F,   6.0F,  -6.0F,
                            7.9F, 8.0F,  200.0F, -200.0F, 1e-30F};
  for (std::uint64_t i = 0; i < 40000; ++i) {
    const PhiloxBlock random = philox_draw(5, 6, i);
    const float size = exact::exp2(24.0F * uniform_open(random[0]) - 16.0F);
    values.push_back((random[1] & 1U) != 0 ? size : -size);
  }
  return values;
}

TEST_CASE("elementary functions of the kernels are the engine's, bit for bit") {
  std::vector<float> table;
  for (const float* row : {tanh_table().c0, tanh_table().c1, tanh_table().c2, tanh_table().c3}) {
    table.insert(table.end(), row, row + kTanhPieces);
  }
  std::size_t differences = 0;
  for (const float x : arguments()) {
    const float positive = x == 0.0F ? 1.0F : std::fabs(x);
    differences += same_bits(gpu::exp(x), exact::exp(x)) ? 0U : 1U;
    differences += same_bits(gpu::log(positive), exact::log(positive)) ? 0U : 1U;
    differences += same_bits(gpu::tanh(x), exact::tanh(x)) ? 0U : 1U;
    differences += same_bits(gpu::sigmoid(x), exact::sigmoid(x)) ? 0U : 1U;
    differences +=
        same_bits(gpu::table_tanh(table.data(), x), table_tanh(tanh_table(), x)) ? 0U : 1U;
    differences +=
        same_bits(gpu::table_sigmoid(table.data(), x), table_sigmoid(tanh_table(), x)) ? 0U : 1U;
    differences += same_bits(gpu::round_even(x), round_even(x)) ? 0U : 1U;
    differences += same_bits(gpu::clamp_sample(x), clamp_sample(x)) ? 0U : 1U;
  }
  CHECK(differences == 0);
}

TEST_CASE("random numbers and their normal quantiles are the engine's, bit for bit") {
  std::size_t differences = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const std::uint64_t seed = i * 0x9E3779B97F4A7C15U;
    const PhiloxBlock block = philox_draw(seed, ~seed, i << 20U);
    const gpu::Uniforms uniforms = gpu::draw_uniforms(seed, ~seed, i << 20U);
    differences += same_bits(uniforms.u0, uniform_open(block[0])) ? 0U : 1U;
    differences += same_bits(uniforms.u1, uniform_open(block[1])) ? 0U : 1U;
    const float normal = inverse_normal_cdf(uniforms.u0);
    differences += same_bits(gpu::inverse_normal_cdf(uniforms.u0), normal) ? 0U : 1U;
  }
  CHECK(differences == 0);
}

TEST_CASE("draws and likelihoods of every distribution are OutputSampler's, bit for bit") {
  for (const auto& [distribution, choices] :
       {std::pair{Distribution::logistic_mixture, 10}, std::pair{Distribution::gaussian, 0},
        std::pair{Distribution::mu_law_categorical, 61}}) {
    StepShape shape;
    shape.distribution = distribution;
    shape.choices = choices;
    const StepPlan plan = random_step_plan(shape, 3);
    const OutputSampler judge(plan);
    const gpu::PackedStepModel model = gpu::pack_step_model(plan, Precision::f32);
    gpu::SamplerView sampler = model.view.sampler;
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
      differences += same_bits(gpu::log_likelihood(sampler, head.data(), sample),
                               judge.log_likelihood(head, sample))
                         ? 0U
                         : 1U;
      if (distribution == Distribution::mu_law_categorical) {
        differences += gpu::class_of(sampler, sample) == judge.class_of(sample) ? 0U : 1U;
      }
    }
    CAPTURE(static_cast<int>(distribution));
    CHECK(differences == 0);  // whole draws: tests/cuda/test_step_kernel.cpp
  }
}

}  // namespace
}  // namespace ondes
