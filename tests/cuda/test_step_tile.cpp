// The step kernels on tensor cores, emulated behind the runner that drives a GPU: against the CPU
// engine in f32, and against each other to the last bit.
#include <catch2/catch.hpp>

#include "cuda/step/tile_planner.h"
#include "tests/cuda/step_kernel_rig.h"

namespace ondes {
namespace {

// Tensor cores are there from sm_80 on.
gpu::EmulatedDevice with_tensor_cores(int clusters) {
  gpu::EmulatedDevice device;
  device.limits.arch = 90;
  device.limits.clusters = clusters;
  return device;
}

TEST_CASE("on tensor cores a block's hidden layers and likelihoods follow the CPU's f32") {
  for (const StepShape& shape : shapes()) {
    CAPTURE(shape.name);
    const StepPlan plan = random_step_plan(shape, 7);
    const RunnerRig rig(plan);
    StepRunnerOptions options;
    options.max_lanes = 2;
    const Followed expected =
        follow(*make_cpu_step_runner_for(Isa::scalar, plan, options), plan, rig, 64);
    options.precision = Precision::f16;
    const auto runner = emulated(plan, options, with_tensor_cores(0));
    CHECK_THAT(runner->description(), Catch::Contains("tensor cores, one block 8 lanes"));
    const Followed actual = follow(*runner, plan, rig, 17);
    CHECK(largest_difference(actual.hidden, expected.hidden) < kHalfHidden);
    CHECK(largest_difference(actual.likelihood, expected.likelihood) < kHalfLikelihood);
  }
}

TEST_CASE("on tensor cores a cluster's likelihoods follow the CPU's f32") {
  check_likelihoods_follow(Precision::f16, with_tensor_cores(16),
                           "tensor cores, a cluster of 8 blocks", kHalfLikelihood);
}

// R = G = 64, which has instances of its own: chains in registers along a cluster.
StepShape known_shape() {
  StepShape shape;
  shape.name = "R = G = 64";
  shape.residual = shape.gate = 64;
  shape.skip = 40;
  shape.head = 24;
  shape.dilations = {1, 2, 4, 1, 2, 4, 1, 2};  // two layers in one stage
  shape.choices = 4;
  return shape;
}

// Every variant adds in the same order: a lane sounds the same alone, in a group of 8, 16 or 32, in
// one block or along a cluster, whatever its company, the cuts and the order of threads and blocks.
TEST_CASE(
    "on tensor cores a lane's samples do not depend on the variant, its company or the cuts") {
  constexpr int kLanes = 21;
  constexpr int kSamples = 20;  // longer than the longest dilation
  std::vector<StepShape> all = shapes();
  all.push_back(known_shape());
  for (const StepShape& shape : all) {
    const StepPlan plan = random_step_plan(shape, 17);
    const RunnerRig rig(plan);
    StepRunnerOptions options;
    options.precision = Precision::f16;
    options.max_lanes = kLanes;
    const auto lanes = lanes_of(kLanes);
    const auto runs = [&](const gpu::EmulatedDevice& device, const std::string& says) {
      const auto runner = emulated(plan, options, device);
      CAPTURE(shape.name, runner->description());
      CHECK_THAT(runner->description(), Catch::Contains(says));
      return rig.run(*runner, lanes, kSamples, -7, true);
    };
    gpu::EmulatedDevice device = with_tensor_cores(0);
    const auto expected = runs(device, "one block 8 lanes");
    device.order = ThreadOrder::shuffled;
    device.limits.multiprocessors = 2;
    CHECK(runs(device, "one block 16 lanes") == expected);
    device.order = ThreadOrder::backwards;
    device.limits.multiprocessors = 1;
    CHECK(runs(device, "one block 32 lanes") == expected);
    // 21 lanes: three groups of 8 in one cluster, or in two.
    const std::string says =
        shape.residual == 64 ? "the chain's in registers" : "groups of 8 lanes";
    device = with_tensor_cores(1);
    device.order = ThreadOrder::shuffled;
    CHECK(runs(device, says) == expected);
    device = with_tensor_cores(2);
    device.order = ThreadOrder::backwards;
    CHECK(runs(device, says) == expected);
    const auto alone = emulated(plan, options, with_tensor_cores(16));
    CHECK(rig.run(*alone, {lanes[13]}, kSamples, 64)[0] == expected[13]);
  }
}

TEST_CASE("clusters of groups of 16, and more lanes than run at once, give the same samples") {
  constexpr int kLanes = 150;  // one cluster: nine groups of 8 hold 72, of 16 144
  constexpr int kSamples = 8;
  for (const StepShape& shape : {shapes()[0], known_shape()}) {
    const StepPlan plan = random_step_plan(shape, 18);
    const RunnerRig rig(plan);
    StepRunnerOptions options;
    options.precision = Precision::f16;
    options.max_lanes = kLanes;
    const auto lanes = lanes_of(kLanes);
    const auto expected =
        rig.run(*emulated(plan, options, with_tensor_cores(0)), lanes, kSamples, 8);
    const auto runner = emulated(plan, options, with_tensor_cores(1));
    CAPTURE(shape.name);
    CHECK_THAT(runner->description(), Catch::Contains("groups of 16 lanes"));
    CHECK(rig.run(*runner, lanes, kSamples, 5) == expected);
  }
}

TEST_CASE("on tensor cores weights in or out of shared memory change nothing") {
  const StepPlan plan = random_step_plan(shapes()[0], 19);
  const RunnerRig rig(plan);
  StepRunnerOptions options;
  options.precision = Precision::f16;
  options.max_lanes = 9;
  const auto expected =
      rig.run(*emulated(plan, options, with_tensor_cores(2)), lanes_of(9), kTotal, 64);
  for (const int clusters : {0, 2}) {
    for (const std::size_t shared_kib : {16U, 20U, 24U, 28U, 32U, 40U, 60U}) {
      CAPTURE(clusters, shared_kib);
      gpu::EmulatedDevice device = with_tensor_cores(clusters);
      device.limits.shared_bytes_per_block = shared_kib * 1024;
      const auto runner = emulated(plan, options, device);
      CAPTURE(runner->description());
      if (runner->description().find("tensor cores") == std::string::npos) {
        CHECK(shared_kib < 24);
        continue;
      }
      CHECK(rig.run(*runner, lanes_of(9), kTotal, 50) == expected);
    }
  }
}

TEST_CASE("random shapes, lanes, cuts and devices follow the CPU's f32 on tensor cores") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const StepPlan plan = random_step_plan(random_step_shape(seed), seed);
    const RunnerRig rig(plan, seed);
    constexpr int kSamples = 30;
    const std::vector<float> teacher = rig.teacher(3, kSamples);
    std::vector<RigLane> lanes = lanes_of(1 + static_cast<int>(3 * seed % 11));
    for (RigLane& lane : lanes) {
      lane.teacher = teacher;
    }
    StepRunnerOptions options;
    options.max_lanes = 11;
    const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
    const auto expected = rig.run(*judge, lanes, kSamples, 64);
    options.precision = Precision::f16;
    gpu::EmulatedDevice device = with_tensor_cores(static_cast<int>(seed % 3));
    device.order = seed % 2 == 0 ? ThreadOrder::shuffled : ThreadOrder::backwards;
    const auto runner = emulated(plan, options, device);
    CAPTURE(seed, text(random_step_shape(seed)), lanes.size(), runner->description());
    CHECK_THAT(runner->description(), Catch::Contains("tensor cores"));
    const auto actual = rig.run(*runner, lanes, kSamples, -30, true);
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      CHECK(largest_difference(actual[i].log_likelihood, expected[i].log_likelihood) <
            kHalfLikelihood);
    }
    CHECK(largest_difference(follow(*runner, plan, rig, 50).hidden,
                             follow(*judge, plan, rig, 64).hidden) < kHalfHidden);
  }
}

}  // namespace
}  // namespace ondes
