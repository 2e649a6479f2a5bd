// Every instruction set, precision, block schedule, company and thread count gives the samples of
// the reference loops, bit for bit.
#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "engine/cpu/reference_step_runner.h"
#include "engine/cpu/runner_options.h"
#include "engine/flush_to_zero.h"
#include "tests/support/runner_rig.h"
#include "tests/support/small_voice.h"

namespace ondes {
namespace {

constexpr int kBlock = 96;
constexpr int kLanes = 13;  // full tiles, a rest, two threads' shares
// The longest ring of the shapes holds 16 samples, the rows of a hop 32: both wrap many times.
constexpr int kSamples = 230;

StepRunnerOptions options(Precision precision, int threads = 1) {
  return {precision, kLanes, kBlock, threads};
}

std::vector<RigLane> company(const std::vector<float>& teacher) {
  std::vector<RigLane> lanes;
  for (int i = 0; i < kLanes; ++i) {
    RigLane lane{(i * 5) % kLanes, static_cast<std::uint64_t>(40 + i), 1.0F, {}};
    lane.temperature = i % 4 == 3 ? 0.0F : 1.0F - 0.05F * static_cast<float>(i);
    if (i % 6 == 2) {
      lane.teacher = teacher;
    }
    lanes.push_back(lane);
  }
  return lanes;
}

const std::vector<Precision> kPrecisions{Precision::f32, Precision::i16, Precision::i8};

TEST_CASE("every instruction set, schedule, company and thread count gives the judge's samples") {
  for (const RigShape& shape : rig_shapes()) {
    const StepPlan plan = rig_plan(shape);
    const RunnerRig rig(plan);
    const std::vector<float> teacher = rig.teacher(3, kSamples);
    const std::vector<RigLane> lanes = company(teacher);
    for (const Precision precision : kPrecisions) {
      ReferenceStepRunner judge(plan, options(precision));
      const std::vector<RigResult> expected = rig.run(judge, lanes, kSamples, kBlock);
      for (const Isa isa : supported_isas()) {
        if (isa == Isa::scalar) {
          continue;  // the judge itself; its own invariances are the next test's
        }
        for (const int threads : {1, 2, 3}) {
          const auto runner = make_cpu_step_runner_for(isa, plan, options(precision, threads));
          CAPTURE(shape.name, runner->description(), threads);
          CHECK(rig.run(*runner, lanes, kSamples, kBlock) == expected);
          CHECK(rig.run(*runner, lanes, kSamples, -40, true) == expected);
          for (std::size_t i = 0; i < 4; ++i) {
            const std::vector<RigResult> alone =
                rig.run(*runner, {lanes[i]}, kSamples, i == 0 ? 1 : -17);
            CHECK(alone.front() == expected[i]);
          }
        }
      }
    }
  }
}

// Large enough, a byte a weight, that a runner with two threads shares a lane alone between them;
// odd everywhere.
RigShape shared_shape() {
  WavenetConfig config;
  config.residual_channels = 110;
  config.gate_channels = 97;
  config.skip_channels = 640;
  config.head_channels = 300;
  config.dilations = {1, 2, 4, 8, 1, 2, 4, 8, 16, 3, 5, 2};
  config.encoder_channels = {12};
  config.mixture_components = 5;
  return {"shared by two cores", config, 5, 4};
}

TEST_CASE("a lane shared by two cores gives the judge's samples") {
  constexpr int kAlone = 60;
  const StepPlan plan = rig_plan(shared_shape());
  const RunnerRig rig(plan);
  const std::vector<float> teacher = rig.teacher(3, kAlone);
  const std::vector<std::vector<RigLane>> lanes{{{0, 5}}, {{1, 6, 0.7F, teacher}}};
  for (const Precision precision : kPrecisions) {
    const StepRunnerOptions alone{precision, 2, kBlock, 2};
    ReferenceStepRunner judge(plan, alone);
    for (const std::vector<RigLane>& lane : lanes) {
      const std::vector<RigResult> expected = rig.run(judge, lane, kAlone, kBlock);
      for (const Isa isa : supported_isas()) {
        if (isa == Isa::scalar) {
          continue;
        }
        const auto runner = make_cpu_step_runner_for(isa, plan, alone);
        CAPTURE(runner->description());
        for (const int block : {kBlock, 1, -30}) {
          CHECK(rig.run(*runner, lane, kAlone, block) == expected);
        }
      }
    }
  }
}

// Head weights so small that every product of the head is denormal, output weights so large that
// those products would be heard.
std::vector<std::byte> voice_with_denormals() {
  WavenetConfig config = small_config();
  config.distribution = Distribution::gaussian;
  const NoteContract contract = small_contract();
  auto tensors =
      random_wavenet_tensors(config, contract.row_features(), contract.sample_features(), 3);
  const auto a = static_cast<std::size_t>(config.head_channels);
  const auto s = static_cast<std::size_t>(config.skip_channels);
  const auto fill = [&](const std::string& name, std::size_t count, float value) {
    const std::vector<float> values(count, value);
    tensors[name] = tensor_from_floats(values, tensors[name].shape);
  };
  fill("skip.bias", s, 1.0F);
  fill("head.weight", a * s, 1e-39F);
  fill("head.bias", a, 0.0F);
  fill("output.weight", 2 * a, 1e38F);
  fill("output.bias", 2, 0.25F);
  return write_voice(small_description(config, contract), tensors);
}

TEST_CASE("denormals are zero on every thread of a runner, and the caller's mode stays") {
  if (!kFlushToZeroSupported) {
    WARN("skipped: this processor has no flush-to-zero mode known to engine/flush_to_zero.h");
    return;
  }
  const std::vector<std::byte> bytes = voice_with_denormals();
  const StepPlan plan = compile_wavenet(parse_voice(bytes, "denormals"));
  const RunnerRig rig(plan);
  std::vector<RigLane> lanes;
  for (int i = 0; i < kLanes; ++i) {
    lanes.push_back({i, static_cast<std::uint64_t>(i), 0.0F, {}});  // the centre: no random part
  }
  const std::vector<float> bias_alone(kSamples, 0.25F);
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 3}) {
      const auto runner = make_cpu_step_runner_for(isa, plan, options(Precision::f32, threads));
      CAPTURE(runner->description());
      for (const RigResult& result : rig.run(*runner, lanes, kSamples, kBlock)) {
        CHECK(result.output == bias_alone);
      }
    }
  }
  volatile float smallest = std::numeric_limits<float>::min();
  CHECK(smallest * 0.5F > 0.0F);
}

}  // namespace
}  // namespace ondes
