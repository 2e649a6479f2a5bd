// The step kernel across the chip on a GPU, against the CPU engine. Skips aloud where there is none:
// what a host can show is in test_step_persistent.cpp.
#include <catch2/catch.hpp>
#include <cmath>

#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/random_step_plan.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

bool skipped() {
  if (!cuda_available()) {
    WARN("skipped, this comparison needs a GPU: " << cuda_description());
  }
  return !cuda_available();
}

// Too large for a block of any device, each layer small enough for one of most.
std::vector<StepShape> shapes() {
  std::vector<StepShape> all;
  StepShape table;
  table.name = "R 64, S 256, 20 layers, mixture";
  table.residual = table.gate = 64;
  table.skip = table.head = 256;
  table.choices = 10;
  for (int l = 3; l < 20; ++l) {
    table.dilations.push_back(1 << (l % 10));
  }
  all.push_back(table);
  StepShape odd;
  odd.name = "odd channels, 3 taps, Gaussian";
  odd.residual = 61;
  odd.gate = 57;
  odd.skip = 203;
  odd.head = 190;
  odd.taps = 3;
  odd.dilations.assign(20, 3);
  odd.distribution = Distribution::gaussian;
  all.push_back(odd);
  StepShape classes = table;
  classes.name = "R 96, mu-law, embedding";
  classes.residual = classes.gate = 96;
  classes.distribution = Distribution::mu_law_categorical;
  classes.input = InputKind::embedding;
  classes.choices = 256;
  all.push_back(classes);
  return all;
}

std::vector<RigLane> lanes_of(int count) {
  std::vector<RigLane> lanes;
  for (int i = 0; i < count; ++i) {
    lanes.push_back({count - 1 - i, static_cast<std::uint64_t>(60 + i), 0.9F, {}});
  }
  return lanes;
}

// Held to this variant; where the device has no room for it, another is compared, and said.
std::unique_ptr<StepRunner> across(const StepPlan& plan, const StepRunnerOptions& options) {
  auto runner = make_cuda_step_runner(plan, options, "across the chip");
  if (runner->description().find("across") == std::string::npos) {
    WARN("not across the chip: " << runner->description());
  }
  return runner;
}

TEST_CASE("on a GPU blocks across the chip give the CPU's bytes in i8 and i16") {
  if (skipped()) {
    return;
  }
  for (const StepShape& shape : shapes()) {
    const StepPlan plan = random_step_plan(shape, 3);
    const RunnerRig rig(plan);
    for (const Precision precision : {Precision::i8, Precision::i16}) {
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = 8;
      const auto runner = across(plan, options);
      const auto judge = make_cpu_step_runner(plan, options);
      for (const int count : {1, 3, 8}) {
        CAPTURE(shape.name, precision_name(precision), count, runner->description());
        CHECK(rig.run(*runner, lanes_of(count), 400, -150, true) ==
              rig.run(*judge, lanes_of(count), 400, 128));
      }
    }
  }
}

// A Gaussian's mean fed back, 1e-5 as in test_step_persistent.cpp.
TEST_CASE("on a GPU blocks across the chip are within 1e-5 of the CPU in f32") {
  if (skipped()) {
    return;
  }
  const StepPlan plan = random_step_plan(shapes()[1], 4);
  const RunnerRig rig(plan);
  StepRunnerOptions options;
  options.max_lanes = 2;
  const std::vector<RigLane> lanes{{0, 3, 0.0F, {}}, {1, 4, 0.0F, {}}};
  const auto expected = rig.run(*make_cpu_step_runner(plan, options), lanes, 300, 128);
  const auto actual = rig.run(*across(plan, options), lanes, 300, 100);
  for (std::size_t t = 0; t < 300; ++t) {
    CAPTURE(t);
    REQUIRE(std::fabs(actual[0].output[t] - expected[0].output[t]) < 1e-5F);
    REQUIRE(std::fabs(actual[1].output[t] - expected[1].output[t]) < 1e-5F);
  }
}

// A word lost once in a million would end in NaN, or in another byte.
TEST_CASE("on a GPU ten seconds across the chip keep the CPU's bytes") {
  if (skipped()) {
    return;
  }
  StepShape shape = shapes()[0];
  shape.dilations.resize(12);
  const StepPlan plan = random_step_plan(shape, 5);
  const RunnerRig rig(plan);
  StepRunnerOptions options;
  options.precision = Precision::i8;
  options.max_lanes = 1;
  options.max_block_samples = 4096;
  CHECK(rig.run(*across(plan, options), lanes_of(1), 240000, 4096) ==
        rig.run(*make_cpu_step_runner(plan, options), lanes_of(1), 240000, 4096));
}

}  // namespace
}  // namespace ondes
