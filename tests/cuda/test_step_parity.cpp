// The step kernels on a GPU against the CPU engine. Skips aloud where there is none: what a host can
// show is in test_step_kernel.cpp.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/random_step_plan.h"
#include "tests/support/largest_difference.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

bool skipped() {
  if (!cuda_available()) {
    WARN("skipped, this comparison needs a GPU: " << cuda_description());
  }
  return !cuda_available();
}

constexpr int kShapes = 10;
constexpr int kTotal = 300;

TEST_CASE("on a GPU i8 and i16 give the CPU's bytes at random shapes, lanes and cuts") {
  if (skipped()) {
    return;
  }
  for (std::uint64_t seed = 0; seed < kShapes; ++seed) {
    const StepShape shape = random_step_shape(seed);
    const StepPlan plan = random_step_plan(shape, seed);
    const RunnerRig rig(plan, seed);
    std::vector<RigLane> lanes;
    // Few lanes get a cluster each where the device has them; forty a block each.
    const int count = seed == 3 ? 40 : 1 + static_cast<int>(5 * seed % 11);
    for (int i = 0; i < count; ++i) {
      lanes.push_back({i, static_cast<std::uint64_t>(40 + i), 0.9F, {}});
    }
    for (const Precision precision : {Precision::i8, Precision::i16}) {
      CAPTURE(seed, text(shape), precision_name(precision), lanes.size());
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = 40;
      const auto expected = rig.run(*make_cpu_step_runner(plan, options), lanes, kTotal, 128);
      const auto runner = make_cuda_step_runner(plan, options);
      CHECK(rig.run(*runner, lanes, kTotal, 256) == expected);
      CHECK(rig.run(*runner, lanes, kTotal, -90, true) == expected);
    }
  }
}

// 1e-5 as in test_step_kernel.cpp, and for its reason.
TEST_CASE("on a GPU the f32 head is within 1e-5 of the CPU's under teacher forcing") {
  if (skipped()) {
    return;
  }
  for (std::uint64_t seed = 0; seed < kShapes; ++seed) {
    const StepShape shape = random_step_shape(seed);
    CAPTURE(seed, text(shape));
    const StepPlan plan = random_step_plan(shape, seed);
    const RunnerRig rig(plan, seed);
    const std::vector<float> teacher = rig.teacher(3, kTotal);
    const std::vector<RigLane> lanes{{1, 31, 1.0F, teacher}};
    const int width =
        plan.layer_count() * (plan.residual_channels + plan.gate_channels) + plan.output.outputs;
    const auto probed = [&](StepRunner& runner) {
      Buffer values(kTotal, width);
      StepProbe probe{1, values.view(), 0};
      runner.set_probe(&probe);
      rig.run(runner, lanes, kTotal, 100);
      return std::vector<float>(values.view().data(), values.view().data() + kTotal * width);
    };
    const std::vector<float> expected = probed(*make_cpu_step_runner(plan, {}));
    const std::vector<float> actual = probed(*make_cuda_step_runner(plan, {}));
    float worst = 0.0F;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      REQUIRE(std::isfinite(actual[i]));
      worst = std::max(worst, std::fabs(actual[i] - expected[i]));
    }
    CHECK(worst < 1e-5F);
    // Without a probe the planner may take a cluster: its likelihoods, with the same file's 1e-3.
    const auto judged = rig.run(*make_cpu_step_runner(plan, {}), lanes, kTotal, 100);
    const auto likely = rig.run(*make_cuda_step_runner(plan, {}), lanes, kTotal, 70);
    for (std::size_t t = 0; t < teacher.size(); ++t) {
      const float difference = likely[0].log_likelihood[t] - judged[0].log_likelihood[t];
      REQUIRE(std::fabs(difference) < 1e-3F);
    }
  }
}

std::vector<float> hidden_of(StepRunner& runner, const StepPlan& plan, const RunnerRig& rig) {
  const std::vector<float> teacher = rig.teacher(3, kTotal);
  const int width =
      plan.layer_count() * (plan.residual_channels + plan.gate_channels) + plan.output.outputs;
  Buffer values(kTotal, width);
  StepProbe probe{1, values.view(), 0};
  runner.set_probe(&probe);
  rig.run(runner, {{1, 31, 1.0F, teacher}}, kTotal, 100);
  runner.set_probe(nullptr);
  return {values.view().data(), values.view().data() + kTotal * width};
}

// Tolerances of tests/cuda/step_kernel_rig.h, twice: these shapes are wider and deeper, and tensor
// cores may cut the end off sums that the host rounds.
TEST_CASE("on a GPU f16 follows the CPU's f32 under teacher forcing, in every variant") {
  if (skipped()) {
    return;
  }
  for (std::uint64_t seed = 0; seed < kShapes; ++seed) {
    const StepShape shape = random_step_shape(seed);
    const StepPlan plan = random_step_plan(shape, seed);
    const RunnerRig rig(plan, seed);
    StepRunnerOptions options;
    options.max_lanes = 11;
    const auto judge = make_cpu_step_runner(plan, options);
    const std::vector<float> teacher = rig.teacher(3, kTotal);
    std::vector<RigLane> lanes;
    for (int i = 0; i < 1 + static_cast<int>(5 * seed % 11); ++i) {
      lanes.push_back({i, static_cast<std::uint64_t>(40 + i), 0.9F, teacher});
    }
    const auto expected = rig.run(*judge, lanes, kTotal, 128);
    const std::vector<float> hidden = hidden_of(*judge, plan, rig);
    options.precision = Precision::f16;
    for (const std::string& variant : cuda_step_variants()) {
      const auto runner = make_cuda_step_runner(plan, options, variant);
      CAPTURE(seed, text(shape), variant, runner->description());
      const auto actual = rig.run(*runner, lanes, kTotal, -90, true);
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        CHECK(largest_difference(actual[i].log_likelihood, expected[i].log_likelihood) < 2e-3);
      }
      CHECK(largest_difference(hidden_of(*runner, plan, rig), hidden) < 4e-3);
    }
  }
}

// The same products in the same order, whatever the group, the block or the cluster.
TEST_CASE("on a GPU a lane on tensor cores sounds the same in a block and along a cluster") {
  if (skipped()) {
    return;
  }
  for (const int channels : {48, 64}) {  // shapes of run time, and an instance's own
    StepShape shape;
    shape.residual = shape.gate = channels;
    shape.skip = shape.head = 100;
    shape.dilations = {1, 2, 4, 8, 16, 1, 2, 4, 8, 16};
    const StepPlan plan = random_step_plan(shape, 4);
    const RunnerRig rig(plan);
    StepRunnerOptions options;
    options.precision = Precision::f16;
    options.max_lanes = 1200;
    std::vector<RigLane> lanes;
    for (int i = 0; i < options.max_lanes; ++i) {
      lanes.push_back({i, static_cast<std::uint64_t>(i), 1.0F, {}});
    }
    const auto blocks = make_cuda_step_runner(plan, options, "tensor block");
    if (blocks->description().find("tensor cores") == std::string::npos) {
      WARN("skipped, this comparison needs tensor cores: " << cuda_description());
      return;
    }
    const auto expected = rig.run(*blocks, lanes, 64, 64);
    for (const int count : {1, 9, 130, 300, 1200}) {
      const std::vector<RigLane> some(lanes.begin(), lanes.begin() + count);
      CAPTURE(channels, count);
      for (const char* variant : {"tensor block", "tensor cluster"}) {
        const auto actual =
            rig.run(*make_cuda_step_runner(plan, options, variant), some, 64, -50, true);
        CHECK(actual[0] == expected[0]);
        CHECK(actual.back() == expected[static_cast<std::size_t>(count) - 1]);
      }
    }
  }
}

// A cluster a lane, a block a lane, groups of 4 and of 8: on a chip of about a hundred
// multiprocessors these counts ask for each.
TEST_CASE("on a GPU every variant makes a few samples as the CPU does") {
  if (skipped()) {
    return;
  }
  const StepPlan plan = random_step_plan({}, 6);
  const RunnerRig rig(plan);
  for (const Precision precision :
       {Precision::f32, Precision::f16, Precision::i16, Precision::i8}) {
    for (const int count : {1, 40, 140, 600}) {
      CAPTURE(precision_name(precision), count);
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = count;
      std::vector<RigLane> lanes;
      for (int i = 0; i < count; ++i) {
        lanes.push_back({i, static_cast<std::uint64_t>(i), 1.0F, {}});
      }
      const auto actual = rig.run(*make_cuda_step_runner(plan, options), lanes, 8, 5);
      CHECK(std::all_of(actual[0].output.begin(), actual[0].output.end(),
                        [](float sample) { return std::isfinite(sample); }));
      if (precision == Precision::i8 || precision == Precision::i16) {
        CHECK(actual == rig.run(*make_cpu_step_runner(plan, options), lanes, 8, 8));
      }
    }
  }
}

// More lanes than multiprocessors take the groups of 4 and of 8.
TEST_CASE("on a GPU a lane sounds the same alone and among a thousand others") {
  if (skipped()) {
    return;
  }
  StepShape shape;
  shape.residual = shape.gate = 32;
  const StepPlan plan = random_step_plan(shape, 4);
  const RunnerRig rig(plan);
  StepRunnerOptions options;
  options.precision = Precision::i8;
  options.max_lanes = 1200;
  const auto runner = make_cuda_step_runner(plan, options);
  std::vector<RigLane> lanes;
  for (int i = 0; i < options.max_lanes; ++i) {
    lanes.push_back({i, static_cast<std::uint64_t>(i), 1.0F, {}});
  }
  const auto together = rig.run(*runner, lanes, 64, 64);
  for (const std::size_t i : {std::size_t{0}, std::size_t{611}, std::size_t{1199}}) {
    CAPTURE(i);
    CHECK(rig.run(*runner, {lanes[i]}, 64, 64)[0] == together[i]);
  }
  CHECK(rig.run(*runner, {lanes.begin(), lanes.begin() + 300}, 64, 64)[299] == together[299]);
}

}  // namespace
}  // namespace ondes
