// The step kernel across the chip, run by the emulator behind the runner that drives a GPU, against
// the CPU engine's plain loops: whatever the order in which blocks move and words become visible.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "cuda/device_step_runner.h"
#include "cuda/step_persistent_planner.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/emulated_chip_device.h"
#include "tests/cuda/random_step_plan.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

std::vector<StepShape> shapes() {
  std::vector<StepShape> all;
  StepShape odd;
  odd.name = "odd channels, 3 taps, mixture, encoder; two head blocks";
  odd.skip = 43;
  odd.head = 37;
  odd.taps = 3;
  odd.dilations = {1, 2, 4, 1, 3};
  odd.encoder = {6, 5};
  all.push_back(odd);
  StepShape gaussian;
  gaussian.name = "R = G = 64, 2 taps, Gaussian, no sample features";
  gaussian.residual = gaussian.gate = 64;
  gaussian.skip = 96;
  gaussian.head = 24;
  gaussian.dilations = {1, 2, 4};
  gaussian.sample_features = 0;
  gaussian.distribution = Distribution::gaussian;
  gaussian.last_residual = false;
  all.push_back(gaussian);
  StepShape classes;
  classes.name = "embedding, mu-law, no rows; skip in several chunks";
  classes.residual = 20;
  classes.gate = 70;
  classes.skip = 40;
  classes.head = 33;
  classes.dilations = {1, 5, 16, 2, 1, 3};
  classes.row_features = 0;
  classes.distribution = Distribution::mu_law_categorical;
  classes.input = InputKind::embedding;
  classes.choices = 61;
  all.push_back(classes);
  StepShape one_tap;
  one_tap.name = "one tap, one head block";
  one_tap.residual = 9;
  one_tap.skip = 20;
  one_tap.taps = 1;
  one_tap.dilations = {1, 1, 1, 1};
  all.push_back(one_tap);
  return all;
}

std::vector<RigLane> lanes_of(int count) {
  std::vector<RigLane> lanes;
  for (int i = 0; i < count; ++i) {
    const float temperatures[] = {1.0F, 0.7F, 0.0F};
    lanes.push_back({count - 1 - i, static_cast<std::uint64_t>(20 + i), temperatures[i % 3], {}});
  }
  return lanes;
}

constexpr int kTotal = 70;  // two rows of the rig and a bit; rings of up to 16 wrap four times

// A device just large enough for the kernel: as little shared memory as it takes, so that stages and
// head blocks are many.
gpu::EmulatedDevice small_chip(const StepPlan& plan, Precision precision, int lanes) {
  const gpu::PackedStepModel model = gpu::pack_step_model(plan, precision);
  gpu::EmulatedDevice device;
  device.limits.multiprocessors = 40;
  device.limits.cooperative = true;
  for (std::size_t kib = 1; kib < 227; ++kib) {
    device.limits.shared_bytes_per_block = kib * 1024;
    if (gpu::plan_persistent_launch(model, precision, lanes, device.limits)) {
      return device;
    }
  }
  FAIL("no device is small enough");
  return device;
}

struct Run {
  std::vector<RigResult> results;
  gpu::EmulatedChipReport report;
  std::string description;
};

Run run_on_chip(const StepPlan& plan,
                const StepRunnerOptions& options,
                const gpu::EmulatedDevice& device,
                const gpu::EmulatedChipConfig& chip,
                const std::vector<RigLane>& lanes,
                int block,
                bool interleave = false) {
  Run run;
  const auto runner = gpu::make_device_step_runner(
      std::make_unique<gpu::EmulatedChipDevice>(device, chip, &run.report), plan, options);
  run.description = runner->description();
  run.results = RunnerRig(plan).run(*runner, lanes, kTotal, block, interleave);
  return run;
}

void check_sound(const gpu::EmulatedChipReport& report) {
  CHECK(report.launches > 0);
  CHECK_FALSE(report.lost);
  CHECK_FALSE(report.stuck);
}

std::vector<RigResult> expected_of(const StepPlan& plan,
                                   const StepRunnerOptions& options,
                                   const std::vector<RigLane>& lanes) {
  const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
  return RunnerRig(plan).run(*judge, lanes, kTotal, 64);
}

TEST_CASE("across the chip i8 and i16 give the CPU's bytes whatever order blocks move in") {
  for (const StepShape& shape : shapes()) {
    const StepPlan plan = random_step_plan(shape, 5);
    for (const Precision precision : {Precision::i8, Precision::i16}) {
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = 3;
      const gpu::EmulatedDevice device = small_chip(plan, precision, 3);
      const auto expected = expected_of(plan, options, lanes_of(3));
      for (const gpu::Turns turns :
           {gpu::Turns::forwards, gpu::Turns::backwards, gpu::Turns::random, gpu::Turns::eager}) {
        gpu::EmulatedChipConfig chip;
        chip.turns = turns;
        chip.order = turns == gpu::Turns::random ? ThreadOrder::shuffled : ThreadOrder::backwards;
        const Run run = run_on_chip(plan, options, device, chip, lanes_of(3), 33);
        CAPTURE(shape.name, precision_name(precision), static_cast<int>(turns), run.description);
        CHECK_THAT(run.description, Catch::Contains("across"));
        check_sound(run.report);
        CHECK(run.results == expected);
      }
    }
  }
}

}  // namespace
}  // namespace ondes
