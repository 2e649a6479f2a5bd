// What callers of a step runner may rely on beside its samples: starting again, probes, the choice
// of the instruction set, and how far the integer precisions stray from f32.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <string>

#include "engine/cpu/reference_step_runner.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

constexpr int kBlock = 64;
constexpr int kSamples = 150;

const std::vector<Precision> kPrecisions{Precision::f32, Precision::i16, Precision::i8};

// ONDES_FORCE_ISA for the length of a scope.
class ForcedIsa {
 public:
  explicit ForcedIsa(const std::string& name) {
    const char* before = std::getenv("ONDES_FORCE_ISA");
    before_ = before == nullptr ? "" : before;
    setenv("ONDES_FORCE_ISA", name.c_str(), 1);
  }
  ~ForcedIsa() { setenv("ONDES_FORCE_ISA", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST_CASE("the judge's samples do not depend on blocks or company") {
  const StepPlan plan = rig_plan(rig_shapes().front());
  const RunnerRig rig(plan);
  const std::vector<RigLane> lanes{{0, 5}, {1, 6, 0.5F}, {2, 7, 0.0F}};
  ReferenceStepRunner judge(plan, {Precision::f32, 3, kBlock, 1});
  const std::vector<RigResult> expected = rig.run(judge, lanes, kSamples, kBlock);
  CHECK(rig.run(judge, lanes, kSamples, -20, true) == expected);
  CHECK(rig.run(judge, {lanes[1]}, kSamples, 1).front() == expected[1]);
  CHECK_FALSE(expected[0] == expected[1]);  // the comparison can fail
}

TEST_CASE("a slot started again is as good as a new runner") {
  for (const RigShape& shape : rig_shapes()) {
    const StepPlan plan = rig_plan(shape);
    const RunnerRig rig(plan);
    for (const Precision precision : kPrecisions) {
      for (const Isa isa : supported_isas()) {
        const StepRunnerOptions options{precision, 3, kBlock, 1};
        const auto used = make_cpu_step_runner_for(isa, plan, options);
        const auto fresh = make_cpu_step_runner_for(isa, plan, options);
        rig.run(*used, {{0, 1}, {1, 2}, {2, 3}}, 47, kBlock);
        CAPTURE(shape.name, used->description());
        CHECK(rig.run(*used, {{1, 9}}, 60, kBlock) == rig.run(*fresh, {{1, 9}}, 60, kBlock));
      }
    }
  }
}

TEST_CASE("a lane's samples are the same in every slot, and other seeds give other samples") {
  const StepPlan plan = rig_plan(rig_shapes().back());
  const RunnerRig rig(plan);
  const RunnerRig other(plan, 8);
  const auto runner = make_cpu_step_runner(plan, {Precision::f32, 3, kBlock, 1});
  const std::vector<RigResult> first = rig.run(*runner, {{0, 9}}, 60, kBlock);
  CHECK(rig.run(*runner, {{2, 9}}, 60, kBlock) == first);
  CHECK_FALSE(other.run(*runner, {{0, 9}}, 60, kBlock) == first);
  CHECK_FALSE(rig.run(*runner, {{0, 10}}, 60, kBlock) == first);
}

TEST_CASE("hidden values of every layer are the judge's, bit for bit") {
  for (const RigShape& shape : rig_shapes()) {
    const StepPlan plan = rig_plan(shape);
    const RunnerRig rig(plan);
    const int width =
        plan.layer_count() * (plan.residual_channels + plan.gate_channels) + plan.output.outputs;
    for (const Precision precision : kPrecisions) {
      Buffer expected(40, width);
      StepProbe probe{1, expected.view(), 0};
      ReferenceStepRunner judge(plan, {precision, 2, kBlock, 1});
      judge.set_probe(&probe);
      rig.run(judge, {{0, 3}, {1, 4}}, 40, kBlock);
      REQUIRE(probe.next_frame == 40);
      for (const Isa isa : supported_isas()) {
        Buffer found(40, width);
        StepProbe fast_probe{1, found.view(), 0};
        const auto runner = make_cpu_step_runner_for(isa, plan, {precision, 2, kBlock, 1});
        runner->set_probe(&fast_probe);
        rig.run(*runner, {{0, 3}, {1, 4}}, 40, kBlock);
        CAPTURE(shape.name, runner->description());
        REQUIRE(fast_probe.next_frame == 40);
        int different = 0;
        for (int t = 0; t < 40; ++t) {
          for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i) {
            different += expected.view()[t][i] == found.view()[t][i] ? 0 : 1;
          }
        }
        CHECK(different == 0);
      }
    }
  }
}

// The same past for every precision: the network is told the samples, only its outputs differ.
double mean_log_likelihood(const StepPlan& plan, Precision precision) {
  const RunnerRig rig(plan);
  const std::vector<float> teacher = rig.teacher(1, kSamples);
  const auto runner = make_cpu_step_runner(plan, {precision, 1, kBlock, 1});
  const RigLane lane{0, 1, 1.0F, teacher};
  double sum = 0.0;
  const std::vector<RigResult> results = rig.run(*runner, {lane}, kSamples, kBlock);
  for (const float value : results.front().log_likelihood) {
    sum += static_cast<double>(value);
  }
  return sum / kSamples;
}

TEST_CASE("i16 is within 0.003 nats of f32 and i8 within 0.1 on random networks") {
  // Random networks guess badly: their likelihoods are steep in the mean, so that errors show.
  for (const RigShape& shape : rig_shapes()) {
    const StepPlan plan = rig_plan(shape);
    const double f32 = mean_log_likelihood(plan, Precision::f32);
    CAPTURE(shape.name, f32, mean_log_likelihood(plan, Precision::i16),
            mean_log_likelihood(plan, Precision::i8));
    CHECK(std::fabs(mean_log_likelihood(plan, Precision::i16) - f32) <
          0.003 * std::max(1.0, std::fabs(f32)));
    CHECK(std::fabs(mean_log_likelihood(plan, Precision::i8) - f32) <
          0.1 * std::max(1.0, std::fabs(f32)));
  }
}

TEST_CASE("ONDES_FORCE_ISA takes effect, and the description says so") {
  const StepPlan plan = rig_plan(rig_shapes().front());
  for (const Isa isa : supported_isas()) {
    const ForcedIsa forced(isa_name(isa));
    const auto runner = make_cpu_step_runner(plan, {Precision::i8, 1, kBlock, 1});
    CHECK(runner->description().find(isa_name(isa)) != std::string::npos);
    CHECK(runner->description().find("i8") != std::string::npos);
    for (const Isa other : supported_isas()) {
      if (other != isa) {
        CHECK(runner->description().find(isa_name(other)) == std::string::npos);
      }
    }
  }
}

TEST_CASE("an unknown instruction set is refused by name") {
  const ForcedIsa forced("sse9");
  const StepPlan plan = rig_plan(rig_shapes().front());
  try {
    make_cpu_step_runner(plan, {});
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::usage);
    CHECK(std::string(error.what()).find("sse9") != std::string::npos);
  }
}

}  // namespace
}  // namespace ondes
