// Every variant of the step kernels by its name, on a GPU, a few samples each: sanitizers run this.
#include <catch2/catch.hpp>
#include <set>

#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/random_step_plan.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

constexpr int kTotal = 6;

// Too large for a block's shared memory in every precision, so that nothing falls back to the simplest.
StepPlan spread_plan() {
  StepShape shape;
  shape.residual = shape.gate = 64;
  shape.skip = shape.head = 128;
  shape.dilations.assign(10, 3);
  return random_step_plan(shape, 6);
}

// What the first lane's likelihoods may differ by from f32 on the CPU, in nats: for f32 as in
// test_step_kernel.cpp, for its reason; f16 has 1e-3 there in networks of a third of these layers.
double most_difference(Precision precision) {
  return precision == Precision::f16 ? 5e-3 : 1e-3;
}

void compare(Precision precision,
             const std::vector<RigResult>& found,
             const std::vector<RigResult>& expected) {
  if (precision == Precision::i8 || precision == Precision::i16) {
    CHECK(found == expected);
    return;
  }
  for (int t = 0; t < kTotal; ++t) {
    const auto at = static_cast<std::size_t>(t);
    CHECK(std::fabs(found[0].log_likelihood[at] - expected[0].log_likelihood[at]) <
          most_difference(precision));  // false for NaN
    for (const RigResult& lane : found) {
      CHECK(std::isfinite(lane.output[at]));
    }
  }
}

TEST_CASE("on a GPU every variant by name makes what the CPU makes", "[sanitize]") {
  if (!cuda_available()) {
    WARN("skipped, this comparison needs a GPU: " << cuda_description());
    return;
  }
  const StepPlan plan = spread_plan();
  const RunnerRig rig(plan);
  const std::vector<float> teacher = rig.teacher(3, kTotal);
  for (const Precision precision :
       {Precision::f32, Precision::f16, Precision::i16, Precision::i8}) {
    for (const int count : {1, 11}) {
      std::vector<RigLane> lanes{{0, 31, 1.0F, teacher}};
      for (int i = 1; i < count; ++i) {
        lanes.push_back({i, static_cast<std::uint64_t>(40 + i), 1.0F, {}});
      }
      StepRunnerOptions options;
      options.max_lanes = count;
      options.precision = precision == Precision::f16 ? Precision::f32 : precision;
      const auto expected = rig.run(*make_cpu_step_runner(plan, options), lanes, kTotal, kTotal);
      options.precision = precision;
      std::set<std::string> known;
      for (const std::string& variant : cuda_step_variants()) {
        const auto runner = make_cuda_step_runner(plan, options, variant);
        if (!known.insert(runner->description()).second) {
          continue;  // the planner could not take it, and took another one
        }
        CAPTURE(variant, runner->description());
        compare(precision, rig.run(*runner, lanes, kTotal, 4), expected);
      }
      CHECK(known.size() >= 2);  // where all are one, names do nothing
    }
  }
}

}  // namespace
}  // namespace ondes
