// The block kernels on a GPU against the CPU engine. Skips aloud where there is none: what a host can
// show is in test_block_kernel.cpp.
#include <catch2/catch.hpp>

#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/block_kernel_rig.h"

namespace ondes {
namespace {

bool skipped() {
  if (!cuda_available()) {
    WARN("skipped, this comparison needs a GPU: " << cuda_description());
  }
  return !cuda_available();
}

// Plans, and the relative error that halves may make of them (test_block_kernel.cpp).
std::vector<std::pair<BlockPlan, double>> generators() {
  return {{tensor_plan(1), 1e-3},
          {resblock_plan(1, 64), 1e-3},
          {resblock_plan(2, 256), 1e-3},
          {vocos_plan(2, 32, 2, 32), 3e-3},
          {vocos_plan(3, 24, 1, 24), 3e-3}};
}

std::vector<float> on_cpu(const BlockPlan& plan, const BlockSignal& signal) {
  const auto runner = make_cpu_block_runner(plan, {Precision::f32, 1, signal.plan_frames, 1});
  return played(*runner, plan, signal, {signal.plan_frames});
}

// Every sum takes its operands in the CPU's order by its operations: bits are equal where the device
// keeps IEEE arithmetic, which nvcc was told.
TEST_CASE("on a GPU random graphs in random blocks give the CPU's bits in f32") {
  if (skipped()) {
    return;
  }
  for (unsigned seed = 0; seed < 40; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    const BlockSignal signal(plan, 5 + static_cast<int>(seed % 60), seed);
    const std::vector<float> expected = on_cpu(plan, signal);
    for (const int block : {1, 7, 64}) {
      CAPTURE(seed, block);
      const auto runner = make_cuda_block_runner(plan, {Precision::f32, 1, block, 1});
      CHECK(first_difference(played(*runner, plan, signal, {block}), expected) == -1);
    }
  }
}

TEST_CASE("on a GPU generators give the CPU's bits in f32, and f16 keeps its tolerance") {
  if (skipped()) {
    return;
  }
  for (const auto& [plan, most] : generators()) {
    const BlockSignal signal(plan, 200, 4);
    const std::vector<float> expected = on_cpu(plan, signal);
    std::vector<float> first;
    for (const int block : {1, 13, 200}) {
      CAPTURE(plan.values.size(), block);
      const auto exact = make_cuda_block_runner(plan, {Precision::f32, 1, block, 1});
      CHECK(first_difference(played(*exact, plan, signal, {block}), expected) == -1);
      const auto halves = make_cuda_block_runner(plan, {Precision::f16, 1, block, 1});
      const std::vector<float> found = played(*halves, plan, signal, {block});
      REQUIRE(found.size() == expected.size());
      CHECK(relative_error(found, expected) < most);
      first = first.empty() ? found : first;
      CHECK(first_difference(found, first) == -1);
    }
  }
}

// Small enough for a sanitizer, under which a kernel takes ten to a hundred times as long.
TEST_CASE("on a GPU every kind of block kernel makes a few frames as the CPU does", "[sanitize]") {
  if (skipped()) {
    return;
  }
  for (const auto& [plan, most] : generators()) {
    const BlockSignal signal(plan, 6, 4);
    const std::vector<float> expected = on_cpu(plan, signal);
    for (const Precision precision : {Precision::f32, Precision::f16}) {
      CAPTURE(plan.values.size(), precision_name(precision));
      const auto runner = make_cuda_block_runner(plan, {precision, 2, 4, 1});
      const std::vector<float> found = played(*runner, plan, signal, {4, 1}, 1);
      REQUIRE(found.size() == expected.size());
      CHECK(relative_error(found, expected) <= (precision == Precision::f32 ? 0.0 : most));
    }
  }
}

TEST_CASE("without a GPU block plans are refused with a way out") {
  if (cuda_available()) {
    return;
  }
  try {
    make_cuda_block_runner(resblock_plan(1, 16), {});
    FAIL("a runner without a device");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::no_device);
    CHECK(std::string(error.what()).find("--device cpu") != std::string::npos);
  }
}

}  // namespace
}  // namespace ondes
