// The kernels of block plans in the emulator, behind the runner that drives a GPU, against the CPU's
// judge: f32 to the last bit, f16 within a stated tolerance and the same for every cutting.
#include <catch2/catch.hpp>

#include "cuda/block/runner.h"
#include "engine/cpu/reference_block_plan.h"
#include "tests/cuda/block_kernel_rig.h"
#include "tests/cuda/emulated_block_device.h"
#include "tests/support/thrown_error.h"

namespace ondes::gpu {
namespace {

constexpr ThreadOrder kOrders[] = {ThreadOrder::forwards, ThreadOrder::backwards,
                                   ThreadOrder::shuffled};
// Convolutions in large tiles, in some of each, in small ones.
constexpr int kMultiprocessors[] = {0, 1, 132};

std::unique_ptr<BlockRunner> runner_for(const BlockPlan& plan,
                                        Precision precision,
                                        int block,
                                        unsigned variant) {
  return make_device_block_runner(
      emulated_block_device(kOrders[variant % 3], kMultiprocessors[variant / 3 % 3]), plan,
      {precision, 1, block, 1});
}

std::vector<int> blocks_up_to(int most) {
  return most < 7 ? std::vector<int>{most} : std::vector<int>{most, 1, 3, 0, 5, most / 2};
}

// Every sum takes its operands in the CPU's order and by its operations, so nothing may differ.
TEST_CASE("random graphs in random blocks and thread orders equal the judge to the last bit") {
  for (unsigned seed = 0; seed < 150; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    const int frames =
        seed % 10 == 0 ? static_cast<int>(seed / 10 % 4) : 5 + static_cast<int>(seed % 60);
    const BlockSignal signal(plan, frames, seed);
    const std::vector<float> expected = judged(plan, signal);
    for (const int block : {1, 7, 64}) {
      CAPTURE(seed, block, frames);
      const auto runner =
          runner_for(plan, Precision::f32, block, seed + static_cast<unsigned>(block));
      const std::vector<float> found = played(*runner, plan, signal, blocks_up_to(block));
      REQUIRE(first_difference(found, expected) == -1);
    }
  }
}

TEST_CASE("generators of both kinds equal the judge to the last bit in f32") {
  const BlockPlan plans[] = {resblock_plan(1, 32), vocos_plan(2, 24, 2, 32),
                             vocos_plan(3, 16, 1, 24)};
  for (const BlockPlan& plan : plans) {
    const BlockSignal signal(plan, 30, 4);
    const std::vector<float> expected = judged(plan, signal);
    for (unsigned variant = 0; variant < 9; ++variant) {
      const int block = variant % 2 == 0 ? 1 : 11;
      CAPTURE(variant, block);
      const auto runner = runner_for(plan, Precision::f32, block, variant);
      REQUIRE(first_difference(played(*runner, plan, signal, blocks_up_to(block)), expected) == -1);
    }
  }
}

// A half is off by 2^-11 of its number at most, some third of that on the whole. Inputs, weights and
// values between round at every layer and their errors add as squares: with five layers 5e-4. The
// spectra of an inverse STFT are exponentials of numbers of some 3: three times as far off.
TEST_CASE("in f16 tensor cores keep within a thousandth of f32, and every cutting gives the same") {
  const std::pair<BlockPlan, double> plans[] = {
      {tensor_plan(1), 1e-3}, {resblock_plan(1, 64), 1e-3}, {vocos_plan(2, 32, 2, 32), 3e-3}};
  for (const auto& [plan, most] : plans) {
    const BlockSignal signal(plan, 40, 3);
    const std::vector<float> expected = judged(plan, signal);
    std::vector<float> first;
    for (unsigned variant = 0; variant < 9; ++variant) {
      const int block = std::vector<int>{40, 1, 7, 16}[variant % 4];
      CAPTURE(plan.values.size(), variant, block);
      const auto runner = runner_for(plan, Precision::f16, block, variant);
      const std::vector<float> found = played(*runner, plan, signal, blocks_up_to(block));
      REQUIRE(found.size() == expected.size());
      first = first.empty() ? found : first;
      REQUIRE(first_difference(found, first) == -1);
    }
    CHECK(relative_error(first, expected) < most);
    CHECK(relative_error(first, expected) > 1e-5);  // it is not f32 that ran
  }
}

TEST_CASE("every shape of tiles on tensor cores makes the same halves") {
  const BlockPlan plan = tensor_plan(3);
  const BlockSignal signal(plan, 45, 3);
  std::vector<float> first;
  for (const ConvShape shape : {ConvShape::tensor_split, ConvShape::tensor_one_by_four,
                                ConvShape::tensor_two_by_four, ConvShape::tensor_four_by_four}) {
    for (const int block : {45, 6}) {
      EmulatedBlockConfig config;
      config.order = ThreadOrder::shuffled;
      config.tensor_shape = shape;
      const auto runner = make_device_block_runner(std::make_unique<EmulatedBlockDevice>(config),
                                                   plan, {Precision::f16, 1, block, 1});
      CAPTURE(static_cast<int>(shape), block);
      const std::vector<float> found = played(*runner, plan, signal, {block});
      first = first.empty() ? found : first;
      REQUIRE(first_difference(found, first) == -1);
    }
  }
}

TEST_CASE("f16 on random graphs is the same for every cutting and thread order") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockSignal signal(rig.plan(), 20, seed);
    const auto first =
        played(*runner_for(rig.plan(), Precision::f16, 20, 0), rig.plan(), signal, {20});
    for (const int block : {1, 7}) {
      CAPTURE(seed, block);
      const auto runner = runner_for(rig.plan(), Precision::f16, block, seed + 1);
      REQUIRE(first_difference(played(*runner, rig.plan(), signal, {block}), first) == -1);
    }
  }
}

TEST_CASE("a device without tensor cores takes f16 too") {
  EmulatedBlockConfig config;
  config.limits.arch = 75;
  const BlockPlan plan = tensor_plan(1);
  const BlockSignal signal(plan, 20, 3);
  const auto runner = make_device_block_runner(std::make_unique<EmulatedBlockDevice>(config), plan,
                                               {Precision::f16, 1, 8, 1});
  // Weights stay in floats there: errors are smaller, of values alone.
  CHECK(relative_error(played(*runner, plan, signal, {8}), judged(plan, signal)) < 1e-3);
}

TEST_CASE("streams do not hear each other, and a stream started anew is as fresh") {
  check_streams_apart(215, [](const BlockPlan& plan, const BlockRunnerOptions& options) {
    return make_device_block_runner(emulated_block_device(ThreadOrder::shuffled), plan, options);
  });
}

TEST_CASE("a prewarmed plan equals the judge and is not flushed") {
  PlanBuilder build(1);
  BlockValueId x = build.input(1);
  for (int layer = 0; layer < 3; ++layer) {
    BlockConv op = build.conv(x, layer == 2 ? 1 : 4, layer == 2 ? 1 : 2, 8);
    op.pad_left = layer == 2 ? 0 : 8;
    op.pad_right = 0;
    op.to.output = build.value(layer == 2 ? 1 : 4);
    build.push(op);
    x = op.to.output;
  }
  BlockPlan plan = build.done(x);
  plan.prewarm_frames = 17;
  const BlockSignal signal(plan, 50, 1);
  const std::vector<float> expected = judged(plan, signal);
  REQUIRE(expected.size() == 50);
  for (const int block : {1, 5, 64}) {
    const auto runner = make_device_block_runner(emulated_block_device(ThreadOrder::backwards),
                                                 plan, {Precision::f32, 2, block, 1});
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
  const auto runner = runner_for(plan, Precision::f32, 6, 0);
  for (BlockValueId id = 0; id < static_cast<BlockValueId>(plan.values.size()); ++id) {
    std::vector<float> heard;
    runner->set_probe(id, &heard);
    played(*runner, plan, signal, {6});
    CAPTURE(id);
    CHECK(first_difference(heard, values[static_cast<std::size_t>(id)]) == -1);
  }
}

TEST_CASE("a steady stream replays one graph, made before it begins; other schedules share 16") {
  const BlockPlan plan = resblock_plan(1, 32);
  BlockDeviceLog log;
  const auto runner =
      make_device_block_runner(std::make_unique<EmulatedBlockDevice>(EmulatedBlockConfig{}, &log),
                               plan, {Precision::f32, 1, 4, 1});
  CHECK(log.captures == 1);
  const BlockSignal signal(plan, 200, 3);
  const std::vector<float> first = played(*runner, plan, signal, {4});
  CHECK(log.captures == 1);
  CHECK(log.replays >= 40);  // all but where the edges are
  CHECK(log.direct_runs <= 10);
  const int replays = log.replays;
  const std::vector<float> second = played(*runner, plan, signal, {4});
  CHECK(log.captures <= 11);  // the edges' schedules have come twice
  CHECK(log.replays >= replays + 50);
  CHECK(first_difference(first, second) == -1);
}

// The steady schedule is looked for far from the edges: so far that blocks this large overflowed an int.
TEST_CASE("blocks of half a million frames have the launches of small ones") {
  PlanBuilder build(1);
  BlockConv conv = build.conv(build.input(1), 1, 3);
  conv.to.output = build.value(1);
  build.push(conv);
  const BlockPlan plan = build.done(conv.to.output);
  const auto description = [&](int frames) {
    return make_device_block_runner(emulated_block_device(ThreadOrder::forwards), plan,
                                    {Precision::f32, 1, frames, 1})
        ->description();
  };
  check_contains(description(16), {"3 kernels a block"});  // append, convolution, deliver
  CHECK(description(1 << 19) == description(16));
}

TEST_CASE(
    "a device that fails is refused at set-up, and gives NaN and its reason later, never silence") {
  const BlockPlan plan = resblock_plan(1, 16);
  EmulatedBlockConfig config;
  bool broken = true;
  config.fails = &broken;
  const auto make = [&] {
    return make_device_block_runner(std::make_unique<EmulatedBlockDevice>(config), plan,
                                    {Precision::f32, 1, 16, 1});
  };
  check_contains(message_of(ErrorCode::no_device, make), {"failed", "made to fail"});
  broken = false;
  const auto runner = make();
  CHECK(runner->failure().empty());
  broken = true;
  const std::vector<float> made = played(*runner, plan, BlockSignal(plan, 40, 3), {16});
  REQUIRE(static_cast<long long>(made.size()) == output_frames(plan, 40));
  CHECK(std::all_of(made.begin(), made.end(), [](float x) { return std::isnan(x); }));
  CHECK_THAT(runner->failure(), Catch::Contains("failed: made to fail"));
}

TEST_CASE("what a GPU does not do is refused by name") {
  const RandomBlockPlan rig(1);
  const auto message = [&](const BlockPlan& plan, BlockRunnerOptions options) {
    return message_of(ErrorCode::usage, [&] {
      make_device_block_runner(emulated_block_device(ThreadOrder::forwards), plan, options);
    });
  };
  check_contains(message(rig.plan(), {Precision::i8, 1, 1, 1}), {"precision", "f32 or f16", "i8"});
  check_contains(message(rig.plan(), {Precision::i16, 1, 1, 1}), {"precision", "i16"});
  check_contains(message(rig.plan(), {Precision::f32, 0, 1, 1}), {"max_streams", "found 0"});
  check_contains(message(rig.plan(), {Precision::f32, 1, 0, 1}), {"max_block_frames", "found 0"});
  const BlockPlan large = vocos_plan(1, 8, 1, 8192);
  check_contains(message(large, {Precision::f32, 1, 1, 1}), {"inverse stft", "shared memory"});
  PlanBuilder build(1);
  BlockConv loud = build.conv(build.input(8), 8, 1);
  loud.weights = build.numbers(64, 1.0F, 70000.0F);
  loud.to.output = build.value(8);
  build.push(loud);
  check_contains(message(build.done(loud.to.output), {Precision::f16, 1, 1, 1}),
                 {"f16", "65504", "f32 takes them"});
}

}  // namespace
}  // namespace ondes::gpu
