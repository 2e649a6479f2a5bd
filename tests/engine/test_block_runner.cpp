// The CPU runner of block plans against the judge, to the last bit: random graphs, random schedules,
// every instruction set this machine has.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/cpu/block_kernels_internal.h"
#include "engine/cpu/cpu_block_runner.h"
#include "engine/cpu/reference_block_plan.h"
#include "engine/plan/block_runner.h"
#include "tests/support/block_rig.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

std::vector<int> random_blocks(std::mt19937& random, int most) {
  std::vector<int> blocks(7);
  for (int& block : blocks) {
    block = std::uniform_int_distribution<int>(0, most)(random);
  }
  blocks[0] = std::max(blocks[0], 1);
  return blocks;
}

TEST_CASE("random graphs in random blocks equal the judge on every instruction set") {
  std::mt19937 random(1);
  for (unsigned seed = 0; seed < 150; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    const int frames =
        seed % 10 == 0 ? static_cast<int>(seed / 10 % 4) : 5 + static_cast<int>(seed % 60);
    const BlockSignal signal(plan, frames, seed);
    const std::vector<float> expected = judged(plan, signal);
    const BlockValue& out = plan.values[static_cast<std::size_t>(plan.output)];
    REQUIRE(static_cast<long long>(expected.size()) == output_frames(plan, frames) * out.channels);
    for (const Isa isa : supported_isas()) {
      for (const int block : {1, 3, 16, 64}) {
        for (const int threads : {1, 2}) {
          const auto runner =
              make_cpu_block_runner_for(isa, plan, {Precision::f32, 1, block, threads});
          CAPTURE(seed, isa_name(isa), block, threads, frames);
          const std::vector<int> blocks =
              threads == 1 ? std::vector<int>{block} : random_blocks(random, block);
          const std::vector<float> found = played(*runner, plan, signal, blocks);
          CHECK(found.size() == expected.size());
          REQUIRE(first_difference(found, expected) == -1);
        }
      }
    }
  }
}

BlockPlan calibrated(const BlockPlan& plan, const BlockSignal& signal) {
  BlockPlan result = plan;
  const std::vector<std::vector<ConstFrames>> clips{signal.part(0, signal.plan_frames)};
  result.ranges = calibrated_ranges(plan, clips);
  return result;
}

// Of 8 bits against the judge, over its power: the root of both sums of squares, of the channels
// from `first_channel` on.
double i8_error(const BlockPlan& plan, const BlockSignal& signal, std::size_t first_channel) {
  const std::vector<float> expected = judged(plan, signal);
  const BlockPlan ranged = calibrated(plan, signal);
  const auto runner = make_cpu_block_runner(ranged, {Precision::i8, 1, 16, 1});
  const std::vector<float> found = played(*runner, ranged, signal, {16});
  REQUIRE(found.size() == expected.size());
  const BlockValue& out = plan.values[static_cast<std::size_t>(plan.output)];
  double error = 0.0;
  double power = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i % static_cast<std::size_t>(out.channels) >= first_channel) {
      error += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
      power += std::pow(static_cast<double>(expected[i]), 2);
    }
  }
  return std::sqrt(error / power);
}

TEST_CASE("in 8 bits every block schedule, thread count and instruction set gives the same bits") {
  std::mt19937 random(2);
  for (unsigned seed = 0; seed < 120; ++seed) {
    const RandomBlockPlan rig(seed);
    const int frames = 5 + static_cast<int>(seed % 60);
    const BlockSignal signal(rig.plan(), frames, seed);
    const BlockPlan plan = calibrated(rig.plan(), signal);
    const auto judge = make_cpu_block_runner_for(Isa::scalar, plan, {Precision::i8, 1, frames, 1});
    const std::vector<float> expected = played(*judge, plan, signal, {frames});
    const BlockValue& out = plan.values[static_cast<std::size_t>(plan.output)];
    REQUIRE(static_cast<long long>(expected.size()) == output_frames(plan, frames) * out.channels);
    for (const Isa isa : supported_isas()) {
      for (const int block : {1, 7, 64}) {
        for (const int threads : {1, 2}) {
          const auto runner =
              make_cpu_block_runner_for(isa, plan, {Precision::i8, 1, block, threads});
          CAPTURE(seed, isa_name(isa), block, threads, frames);
          const std::vector<float> found =
              played(*runner, plan, signal, random_blocks(random, block));
          REQUIRE(first_difference(found, expected) == -1);
        }
      }
    }
  }
}

TEST_CASE("a frame written in 8 bits leaves the next frame alone, however wide it is as numbers") {
  // 128 channels stand 144 floats apart, to spread them over a cache, but 128 bytes.
  constexpr int kChannels = 128;
  constexpr int kWidth = 144;
  const std::vector<float> x(2 * kWidth, 3.0F);
  for (const Isa isa : supported_isas()) {
    CAPTURE(isa_name(isa));
    const BlockKernels& kernels = *block_kernels(isa);
    std::vector<std::uint8_t> bytes(2 * kChannels, 77);
    const std::vector<float> inverse(kChannels, 2.0F);
    const std::vector<float> zero(kChannels, 5.0F);
    const QuantisedCall to{bytes.data(), kChannels, inverse.data(), zero.data()};
    const float* const inputs[] = {x.data()};
    SumCall sum;
    sum.inputs = inputs;
    sum.count = 1;
    sum.frames = 1;
    sum.width = kWidth;
    sum.channels = kChannels;
    sum.finish.mapped_bytes = to;
    kernels.sum(sum);
    CHECK(bytes[kChannels - 1] == 11);
    CHECK(bytes[kChannels] == 77);
    bytes.assign(bytes.size(), 77);
    kernels.quantise({x.data(), kWidth, kChannels, 1, to});
    CHECK(bytes[kChannels - 1] == 11);
    CHECK(bytes[kChannels] == 77);
  }
}

TEST_CASE("wide sums in 8 bits are the same for any number of threads") {
  const std::vector<float> w(128 * 128, 0.01F);
  BlockPlan plan;
  plan.sample_rate_hz = 8000;
  plan.values = {{128, {}, "in"}, {128, {}, "sum"}, {128, {}, "out"}};
  plan.inputs = {0};
  plan.output = 2;
  BlockConv conv;
  conv.input = 1;
  conv.weights = w;
  conv.to.output = 2;
  plan.ops = {BlockSum{{0}, 1.0F, kNoValue, {MapKind::leaky_relu, 0.1F, {}, {}}, 1}, conv};
  const BlockSignal signal(plan, 600, 5);
  const BlockPlan ranged = calibrated(plan, signal);
  const auto alone = make_cpu_block_runner(ranged, {Precision::i8, 1, 600, 1});
  const auto shared = make_cpu_block_runner(ranged, {Precision::i8, 1, 600, 2});
  const std::vector<float> expected = played(*alone, ranged, signal, {600});
  for (int repeat = 0; repeat < 100; ++repeat) {
    REQUIRE(first_difference(played(*shared, ranged, signal, {600}), expected) == -1);
  }
}

// Two wide convolutions with a leaky ReLU between them and one of them transposed.
TEST_CASE("8 bits stay within one part in fifty of f32, whose range they know") {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> w(64 * 64 * 3 + 64 * 48 * 8);
  for (float& x : w) {
    x = normal(random) / 14.0F;
  }
  const std::span<const float> all(w);
  BlockPlan plan;
  plan.sample_rate_hz = 8000;
  plan.values = {{64, {}, "in"}, {64, {}, "a"}, {48, {4, 1}, "out"}, {64, {}, "first"}};
  plan.inputs = {0};
  plan.output = 2;
  BlockSum lone{{0}, 1.0F, 3, {}, kNoValue};  // inputs themselves keep their precision
  BlockConv conv;
  conv.input = 3;
  conv.taps = 3;
  conv.pad_left = 1;
  conv.pad_right = 1;
  conv.weights = all.first(64 * 64 * 3);
  conv.to.mapped = 1;
  conv.to.map = {MapKind::leaky_relu, 0.1F, {}, {}};
  BlockTransposedConv up;
  up.input = 1;
  up.taps = 8;
  up.stride = 4;
  up.trim_left = 2;
  up.trim_right = 2;
  up.weights = all.subspan(64 * 64 * 3);
  up.to.output = 2;
  plan.ops = {lone, conv, up};
  const BlockSignal signal(plan, 100, 5);
  const double error = i8_error(plan, signal, 0);
  // Two layers round inputs and weights to steps of some 1/100 and 1/40 of a deviation: each adds
  // step / sqrt(12), together about 1 %.
  CHECK(error < 0.02);
  CHECK(error > 0.0);  // it is not f32 that ran
}

TEST_CASE("in 8 bits a quiet channel keeps its precision beside one a hundred times as loud") {
  constexpr int kChannels = 16;
  std::vector<float> gains(kChannels, 1.0F);
  gains[0] = 100.0F;
  std::vector<float> same(kChannels * kChannels, 0.0F);
  for (int c = 0; c < kChannels; ++c) {
    same[static_cast<std::size_t>(c * kChannels + c)] = 1.0F;
  }
  BlockPlan plan;
  plan.sample_rate_hz = 8000;
  plan.values = {{kChannels, {}, "in"}, {kChannels, {}, "loud"}, {kChannels, {}, "out"}};
  plan.inputs = {0};
  plan.output = 2;
  BlockConv gain;
  gain.input = 0;
  gain.groups = kChannels;
  gain.weights = gains;
  gain.to.output = 1;
  BlockConv conv;
  conv.input = 1;
  conv.weights = same;
  conv.to.output = 2;
  plan.ops = {gain, conv};
  const BlockSignal signal(plan, 1000, 5);
  const double error = i8_error(plan, signal, 1);
  // A channel of width w beside the widest W has steps of sqrt(w W) / 255: a tenth of what W alone
  // would give, which is w / 2.55 here, and would put the error at 0.1 w.
  CHECK(error < 0.1);
  CHECK(error > 0.0);  // it is not f32 that ran
}

TEST_CASE("output comes as soon as the look-ahead allows") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    const auto runner = make_cpu_block_runner(plan, {Precision::f32, 1, 4, 1});
    const int latency = latency_frames(plan);
    CHECK(runner->latency_frames() == latency);
    const int frames = std::min(latency, 200) + 20;
    const BlockSignal signal(plan, frames, seed);
    const BlockValue& out = plan.values[static_cast<std::size_t>(plan.output)];
    BlockPlayer player(*runner, plan, 0);
    CAPTURE(seed, latency);
    for (int done = 1; done <= frames; ++done) {
      player.play(signal, 1);
      const auto made = static_cast<long long>(player.output.size()) / out.channels;
      if (done > latency) {
        CHECK(made >= static_cast<long long>(done - latency) * out.rate.up / out.rate.down);
      }
    }
  }
}

TEST_CASE("streams do not hear each other, and a stream started anew is as fresh") {
  check_streams_apart(220, [](const BlockPlan& plan, const BlockRunnerOptions& options) {
    return make_cpu_block_runner(plan, options);
  });
}

TEST_CASE("a prewarmed plan equals the judge and is not flushed") {
  const std::vector<float> w(64, 0.1F);
  const std::vector<float> bias(4, 0.3F);
  BlockPlan plan;
  plan.sample_rate_hz = 8000;
  plan.values = {{1, {}, "in"}, {4, {}, "a"}, {4, {}, "b"}, {1, {}, "out"}};
  plan.inputs = {0};
  plan.output = 3;
  for (int layer = 0; layer < 3; ++layer) {
    BlockConv op;
    op.input = layer;
    op.taps = layer == 2 ? 1 : 2;
    op.dilation = 8;
    op.pad_left = layer == 2 ? 0 : 8;
    const int inputs = layer == 0 ? 1 : 4;
    const int outputs = layer == 2 ? 1 : 4;
    op.weights = std::span(w).first(static_cast<std::size_t>(inputs * outputs * op.taps));
    op.bias = std::span(bias).first(static_cast<std::size_t>(outputs));
    op.to.output = layer + 1;
    plan.ops.emplace_back(op);
  }
  plan.prewarm_frames = 17;
  const BlockSignal signal(plan, 50, 1);
  const std::vector<float> expected = judged(plan, signal);
  REQUIRE(expected.size() == 50);
  for (const int block : {1, 5, 64}) {
    const auto runner = make_cpu_block_runner(plan, {Precision::f32, 2, block, 1});
    CHECK(first_difference(played(*runner, plan, signal, {block}), expected) == -1);
    CHECK(first_difference(played(*runner, plan, signal, {block}), expected) == -1);
    CHECK(first_difference(played(*runner, plan, signal, {block}, 1), expected) == -1);
    Buffer room(runner->max_output_frames(), 1);
    CHECK(runner->finish(0, room.view()) == 0);
  }
}

TEST_CASE("a probe hears every frame of a value") {
  const RandomBlockPlan rig(7);
  const BlockPlan& plan = rig.plan();
  const BlockSignal signal(plan, 40, 3);
  const auto values = evaluate_block_values(plan, signal.part(0, 40));
  const auto runner = make_cpu_block_runner(plan, {Precision::f32, 1, 6, 1});
  for (BlockValueId id = 0; id < static_cast<BlockValueId>(plan.values.size()); ++id) {
    std::vector<float> heard;
    runner->set_probe(id, &heard);
    played(*runner, plan, signal, {6});
    CAPTURE(id);
    CHECK(first_difference(heard, values[static_cast<std::size_t>(id)]) == -1);
  }
}

TEST_CASE("options out of range are usage errors") {
  const RandomBlockPlan rig(1);
  const auto message = [&](BlockRunnerOptions options) {
    return message_of(ErrorCode::usage, [&] { make_cpu_block_runner(rig.plan(), options); });
  };
  CHECK(message({Precision::i8, 1, 1, 1}).find("calibrated") != std::string::npos);
  CHECK(message({Precision::i16, 1, 1, 1}).find("precision") != std::string::npos);
  CHECK(message({Precision::f32, 0, 1, 1}).find("max_streams") != std::string::npos);
  CHECK(message({Precision::f32, 1, 0, 1}).find("max_block_frames") != std::string::npos);
  CHECK(message({Precision::f32, 1, 1, 0}).find("threads") != std::string::npos);
}

}  // namespace
}  // namespace ondes
