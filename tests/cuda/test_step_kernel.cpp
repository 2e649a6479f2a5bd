// The step kernels, run by the emulator behind the same runner that drives a GPU, against the CPU
// engine's plain loops.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/cpu/runner_options.h"
#include "tests/cuda/step_kernel_rig.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

TEST_CASE("i8 and i16 kernels give the CPU's bytes at every shape, lane count and cut") {
  for (const StepShape& shape : shapes()) {
    const StepPlan plan = random_step_plan(shape, 5);
    const RunnerRig rig(plan);
    for (const Precision precision : {Precision::i8, Precision::i16}) {
      CAPTURE(shape.name, precision_name(precision));
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = 6;
      const auto lanes = lanes_of(5);
      const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
      const auto expected = rig.run(*judge, lanes, kTotal, 64);
      const auto kernel = emulated(plan, options);
      CHECK(rig.run(*kernel, lanes, kTotal, 64) == expected);
      CHECK(rig.run(*kernel, lanes, kTotal, -40, true) == expected);
    }
  }
}

// Odd seeds draw any channels, even ones known shapes; clusters and groups as lanes and device ask.
TEST_CASE("random shapes, lanes, cuts and devices give the CPU's bytes in i8 and i16") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const StepPlan plan = random_step_plan(random_step_shape(seed), seed);
    const RunnerRig rig(plan, seed);
    StepRunnerOptions options;
    options.precision = seed % 4 < 2 ? Precision::i8 : Precision::i16;
    options.max_lanes = 7;
    gpu::EmulatedDevice device;
    device.limits.multiprocessors = 1 + static_cast<int>(seed % 5);
    device.limits.clusters = static_cast<int>(seed % 3);
    device.limits.shared_bytes_per_block = (seed % 2 == 0 ? 227U : 64U) * 1024U;
    const auto lanes = lanes_of(1 + static_cast<int>(3 * seed % 7));
    CAPTURE(seed, text(random_step_shape(seed)), lanes.size());
    const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
    CHECK(rig.run(*emulated(plan, options, device), lanes, 50, -30, true) ==
          rig.run(*judge, lanes, 50, 64));
  }
}

TEST_CASE("groups of 4 and 8 lanes a block give the same bytes as a block a lane") {
  for (const StepShape& shape : shapes()) {
    const StepPlan plan = random_step_plan(shape, 6);
    const RunnerRig rig(plan);
    for (const int multiprocessors : {2, 1}) {  // 6 lanes: groups of 4, then of 8
      CAPTURE(shape.name, multiprocessors);
      StepRunnerOptions options;
      options.precision = Precision::i8;
      options.max_lanes = 6;
      const auto lanes = lanes_of(6);
      const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
      gpu::EmulatedDevice device;
      device.limits.multiprocessors = multiprocessors;
      CHECK(rig.run(*emulated(plan, options, device), lanes, kTotal, 33) ==
            rig.run(*judge, lanes, kTotal, 64));
    }
  }
}

// Hidden values stay of order one, sums of a few hundred products are cut in at most a few tens of
// slices: their order moves a sum by some units of 1e-7, and a layer passes on less than it gets.
// Measured: 4e-7. Teacher forcing keeps a difference from steering the samples after it.
TEST_CASE("the f32 kernel's head is within 1e-5 of the CPU's under teacher forcing") {
  for (const StepShape& shape : shapes()) {
    CAPTURE(shape.name);
    const StepPlan plan = random_step_plan(shape, 7);
    const RunnerRig rig(plan);
    const std::vector<float> teacher = rig.teacher(3, kTotal);
    const std::vector<RigLane> lanes{{1, 31, 1.0F, teacher}};
    StepRunnerOptions options;
    options.max_lanes = 2;
    const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
    const auto [expected, expected_results] = probed(*judge, plan, rig, lanes, kTotal, 64);
    const auto [actual, results] = probed(*emulated(plan, options), plan, rig, lanes, kTotal, 17);
    CHECK(largest_difference(actual, expected) < 1e-5);
    CHECK(results[0].output == teacher);
    // ln P by bins: its slope in the head's outputs is at most e^9 / 2^16 a unit of scale here.
    CHECK(largest_difference(results[0].log_likelihood, expected_results[0].log_likelihood) < 1e-3);
  }
}

// One lane in a block of its own, up to seven in groups of 4 and 8, with company that is not forced.
TEST_CASE("random shapes, lanes, cuts and devices keep f32 within 1e-5 of the CPU") {
  constexpr int kSamples = 50;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const StepPlan plan = random_step_plan(random_step_shape(seed), seed);
    const RunnerRig rig(plan, seed);
    const std::vector<float> teacher = rig.teacher(3, kSamples);
    std::vector<RigLane> lanes{{1, 31, 1.0F, teacher}};
    for (const int slot : {0, 2, 3, 4, 5, 6}) {
      if (static_cast<std::uint64_t>(slot) < 3 * seed % 7) {
        lanes.push_back({slot, static_cast<std::uint64_t>(40 + slot), 0.8F, {}});
      }
    }
    CAPTURE(seed, text(random_step_shape(seed)), lanes.size());
    StepRunnerOptions options;
    options.max_lanes = 7;
    gpu::EmulatedDevice device;
    device.limits.multiprocessors = 1 + static_cast<int>(seed % 5);
    device.limits.shared_bytes_per_block = (seed % 2 == 0 ? 227U : 64U) * 1024U;
    const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
    const auto kernel = emulated(plan, options, device);
    CHECK(largest_difference(probed(*kernel, plan, rig, lanes, kSamples, -30).values,
                             probed(*judge, plan, rig, lanes, kSamples, 64).values) < 1e-5);
  }
}

TEST_CASE("the f16 kernel's hidden layers and likelihoods follow the CPU's f32") {
  double worst_hidden = 0.0;
  double worst_likelihood = 0.0;
  for (const StepShape& shape : shapes()) {
    CAPTURE(shape.name);
    const StepPlan plan = random_step_plan(shape, 7);
    const RunnerRig rig(plan);
    StepRunnerOptions options;
    options.max_lanes = 2;
    const Followed expected =
        follow(*make_cpu_step_runner_for(Isa::scalar, plan, options), plan, rig, 64);
    options.precision = Precision::f16;
    const Followed actual = follow(*emulated(plan, options), plan, rig, 17);
    const double hidden = largest_difference(actual.hidden, expected.hidden);
    const double likelihood = largest_difference(actual.likelihood, expected.likelihood);
    CHECK(hidden < kHalfHidden);
    CHECK(hidden > 1e-6);  // halves were used
    CHECK(likelihood < kHalfLikelihood);
    worst_hidden = std::max(worst_hidden, hidden);
    worst_likelihood = std::max(worst_likelihood, likelihood);
  }
  UNSCOPED_INFO("worst hidden " << worst_hidden << ", likelihood " << worst_likelihood);
  CHECK(worst_hidden > 1e-5);
}

// A group's lanes do not meet: a slice is a sum in the same order however many lanes share a block.
TEST_CASE("f16 lanes sound the same in a block of their own, in groups, in any cut and order") {
  for (const StepShape& shape : shapes()) {
    CAPTURE(shape.name);
    const StepPlan plan = random_step_plan(shape, 21);
    const RunnerRig rig(plan);
    StepRunnerOptions options;
    options.precision = Precision::f16;
    options.max_lanes = 6;
    gpu::EmulatedDevice device;
    const auto expected = rig.run(*emulated(plan, options, device), lanes_of(6), kTotal, 64);
    for (const int multiprocessors : {2, 1}) {
      for (const ThreadOrder order : {ThreadOrder::backwards, ThreadOrder::shuffled}) {
        device.limits.multiprocessors = multiprocessors;
        device.order = order;
        CHECK(rig.run(*emulated(plan, options, device), lanes_of(6), kTotal, -40, true) ==
              expected);
      }
    }
  }
}

TEST_CASE("a cluster's f16 likelihoods follow the CPU's f32") {
  gpu::EmulatedDevice device;
  device.limits.clusters = 16;
  check_likelihoods_follow(Precision::f16, device, "f16, a cluster of 8 blocks a lane",
                           kHalfLikelihood);
}

TEST_CASE("f16 refuses weights beyond a half by name, and a CPU refuses f16") {
  StepPlan plan = random_step_plan(shapes()[0], 7);
  std::vector<float> large(plan.head.weights.begin(), plan.head.weights.end());
  large[3] = 70000.0F;
  plan.head.weights = large;
  StepRunnerOptions options;
  options.precision = Precision::f16;
  CHECK_THROWS_WITH(emulated(plan, options),
                    Catch::Contains("precision f16") && Catch::Contains("found 70000"));
  plan = random_step_plan(shapes()[0], 7);
  for (const Isa isa : supported_isas()) {
    CHECK_THROWS_WITH(make_cpu_step_runner_for(isa, plan, options),
                      Catch::Contains("expected f32, i16 or i8 on a CPU, found f16") &&
                          Catch::Contains("--device cuda"));
  }
}

TEST_CASE("likelihoods of i8 and i16 lanes are the CPU's to the last bit") {
  for (const StepShape& shape : shapes()) {
    CAPTURE(shape.name);
    const StepPlan plan = random_step_plan(shape, 8);
    const RunnerRig rig(plan);
    const std::vector<float> teacher = rig.teacher(3, kTotal);
    const std::vector<RigLane> lanes{{1, 31, 1.0F, teacher}, {0, 32, 1.0F, {}}};
    StepRunnerOptions options;
    options.precision = Precision::i16;
    options.max_lanes = 2;
    const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
    CHECK(rig.run(*emulated(plan, options), lanes, kTotal, 20) ==
          rig.run(*judge, lanes, kTotal, 64));
  }
}

TEST_CASE(
    "a cluster of blocks a lane gives the CPU's bytes in i8 and i16, in either order of blocks") {
  for (const StepShape& shape : shapes()) {
    const StepPlan plan = random_step_plan(shape, 12);
    const RunnerRig rig(plan);
    for (const Precision precision : {Precision::i8, Precision::i16}) {
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = 3;
      gpu::EmulatedDevice device;
      device.limits.clusters = 2;  // the third lane brings back a block a lane, on the same states
      const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
      const auto expected = rig.run(*judge, lanes_of(3), kTotal, 64);
      for (const ThreadOrder order : {ThreadOrder::forwards, ThreadOrder::backwards}) {
        device.order = order;
        // In less memory a block holds the chain's weights alone, or the variant is not taken.
        for (const std::size_t shared : {std::size_t{227}, std::size_t{24}}) {
          device.limits.shared_bytes_per_block = shared * 1024;
          CAPTURE(shape.name, precision_name(precision), shared);
          const auto runner = emulated(plan, options, device);
          CHECK(rig.run(*runner, lanes_of(3), kTotal, 37, true) == expected);
          const auto two = rig.run(*runner, {lanes_of(3)[0], lanes_of(3)[1]}, kTotal, 50);
          CHECK(two[0] == expected[0]);
          CHECK(two[1] == expected[1]);
        }
      }
    }
  }
}

// Likelihoods stand for the head's outputs, which a cluster does not show; 1e-3 as above.
TEST_CASE("a cluster's f32 likelihoods follow the CPU's") {
  gpu::EmulatedDevice device;
  device.limits.clusters = 16;
  check_likelihoods_follow(Precision::f32, device, "a cluster of 8 blocks a lane", 1e-3);
}

TEST_CASE("no order of a block's threads changes a sample") {
  const StepPlan plan = random_step_plan(shapes()[0], 9);
  const RunnerRig rig(plan);
  for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
    CAPTURE(precision_name(precision));
    StepRunnerOptions options;
    options.precision = precision;
    options.max_lanes = 3;
    gpu::EmulatedDevice device;
    const auto expected = rig.run(*emulated(plan, options, device), lanes_of(3), kTotal, 64);
    for (const ThreadOrder order : {ThreadOrder::backwards, ThreadOrder::shuffled}) {
      device.order = order;
      CHECK(rig.run(*emulated(plan, options, device), lanes_of(3), kTotal, 64) == expected);
    }
  }
}

TEST_CASE("scratch in global memory and weights in shared memory change nothing") {
  const StepPlan plan = random_step_plan(shapes()[0], 10);
  const RunnerRig rig(plan);
  StepRunnerOptions options;
  options.precision = Precision::i8;
  options.max_lanes = 3;
  gpu::EmulatedDevice device;
  const auto expected = rig.run(*emulated(plan, options, device), lanes_of(3), kTotal, 64);
  for (const std::size_t shared : {16U, 700U, 3000U, 6000U, 8000U, 12000U}) {
    CAPTURE(shared);
    device.limits.shared_bytes_per_block = shared;
    CHECK(rig.run(*emulated(plan, options, device), lanes_of(3), kTotal, 64) == expected);
  }
}

TEST_CASE("a device that fails gives NaN and its reason, never a plausible sample") {
  const StepPlan plan = random_step_plan(shapes()[0], 11);
  const RunnerRig rig(plan);
  gpu::EmulatedDevice device;
  bool broken = false;
  device.fails = &broken;
  const auto runner = emulated(plan, {}, device);
  CHECK(runner->failure().empty());
  broken = true;
  const auto results = rig.run(*runner, lanes_of(2), 8, 8);
  for (const float sample : results[1].output) {
    CHECK(std::isnan(sample));
  }
  CHECK_THAT(runner->failure(), Catch::Contains("emulated failed: made to fail"));
}

TEST_CASE("a device that fails at set-up is refused with its reason") {
  const StepPlan plan = random_step_plan(shapes()[0], 11);
  const bool broken = true;
  gpu::EmulatedDevice device;
  device.fails = &broken;
  check_contains(message_of(ErrorCode::no_device, [&] { emulated(plan, {}, device); }),
                 {"emulated failed", "made to fail"});
}

}  // namespace
}  // namespace ondes
