// What networks cost, against the figures that were published or counted by hand.
#include <catch2/catch.hpp>

#include "apps/bench_shapes.h"
#include "cuda/backend.h"
#include "cuda/roofline.h"
#include "engine/error.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

// MACs = L R (5 R + S) + A S + A^2: 2R x 2R of the two taps, R x R of the residual, S x R of the skip.
TEST_CASE("a sample of the published WaveNet shapes costs the multiplications of the formula") {
  for (const int residual : {32, 64, 128}) {
    const BenchShape shape = bench_shape(residual);
    constexpr int kLayers = 20;
    constexpr int kHead = 256;
    const double expected =
        1.0 * kLayers * residual * (5 * residual + shape.skip) + kHead * shape.skip + kHead * kHead;
    const StepCost cost = step_cost(bench_plan(shape), Precision::f32);
    // The last layer of the plan has no residual product: nothing would read it.
    CAPTURE(residual);
    CHECK(cost.macs == expected - residual * residual);
  }
}

// A MAC a weight: what the precisions pack is the products' weights in 4, 2 and 1 bytes. Padding to
// quads of 16 bytes adds nothing where every width is a multiple of 16.
TEST_CASE("weights take as many bytes as multiplications have operands in their precision") {
  for (const int residual : {32, 64, 128}) {
    const StepPlan plan = bench_plan(bench_shape(residual));
    for (const auto& [precision, bytes] : {std::pair{Precision::f32, 4.0},
                                           {Precision::f16, 2.0},
                                           {Precision::i16, 2.0},
                                           {Precision::i8, 1.0}}) {
      const StepCost cost = step_cost(plan, precision);
      CAPTURE(residual, bytes, cost.macs);
      CHECK(cost.weight_bytes == bytes * cost.macs);
    }
  }
}

TEST_CASE("HiFi-GAN V1 has the published parameters and 26.447 GMAC a second of sound") {
  const HifiganConfig config = hifigan_variant(1);
  const BlockPlan plan = random_hifigan(config, 1);
  const BlockCost cost = block_cost(plan);
  CHECK(cost.parameters == 13926017.0);
  const double frames_per_s = 1.0 * plan.sample_rate_hz / config.hop_samples();
  // The figure has five digits.
  CHECK(1e-9 * cost.macs * frames_per_s == Approx(26.447).margin(0.0005));
}

// conv (2 -> 3, 5 taps, bias) to a value and its image under snake, added to itself: by hand.
TEST_CASE("a block plan's values are counted once written and once for each reader") {
  const std::vector<float> weights(3 * 2 * 5, 0.1F);
  const std::vector<float> ones(3, 1.0F);
  BlockPlan plan;
  plan.sample_rate_hz = 100;
  plan.values = {{2, {}, "in"}, {3, {}, "y"}, {3, {}, "snake"}, {3, {}, "sum"}};
  plan.inputs = {0};
  plan.output = 3;
  BlockConv conv;
  conv.input = 0;
  conv.taps = 5;
  conv.pad_left = conv.pad_right = 2;
  conv.weights = weights;
  conv.bias = ones;
  conv.to.output = 1;
  conv.to.map.kind = MapKind::snake;
  conv.to.map.alpha = ones;
  conv.to.map.inverse_beta = ones;
  conv.to.mapped = 2;
  BlockSum sum;
  sum.inputs = {1, 2};
  sum.output = 3;
  plan.ops = {conv, sum};
  validate(plan);
  const BlockCost cost = block_cost(plan);
  CHECK(cost.parameters == 30 + 3 + 6);
  CHECK(cost.values_read == 2 + 3 + 3);
  CHECK(cost.values_written == 3 + 3 + 3);
  CHECK(cost.macs == 30);
}

TEST_CASE("rates are measured, or refused where there is no device") {
  if (!cuda_available()) {
    CHECK_THROWS_AS(measured_device_rates(), Error);
    return;
  }
  const DeviceRates rates = measured_device_rates();
  CHECK(rates.copy_bytes_per_s > 1e10);
  CHECK(rates.l2_read_bytes_per_s > 1e10);
  CHECK(rates.f32_macs_per_s > 1e11);
  CHECK(rates.i16_macs_per_s > 1e11);
  CHECK(rates.i8_macs_per_s > rates.f32_macs_per_s);
}

}  // namespace
}  // namespace ondes
