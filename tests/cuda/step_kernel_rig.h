// What the tests of emulated step kernels share: runners on an emulated device, shapes that meet
// every branch, lanes, and the comparisons of a lane's inside and of its likelihoods under teacher
// forcing.
#pragma once
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cuda/step/runner.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/emulated_step_device.h"
#include "tests/cuda/random_step_plan.h"
#include "tests/support/largest_difference.h"
#include "tests/support/runner_rig.h"

namespace ondes {

inline std::unique_ptr<StepRunner> emulated(const StepPlan& plan,
                                            const StepRunnerOptions& options,
                                            const gpu::EmulatedDevice& device = {}) {
  return gpu::make_device_step_runner(std::make_unique<gpu::EmulatedStepDevice>(device), plan,
                                      options);
}

inline std::vector<StepShape> shapes() {
  std::vector<StepShape> all;
  StepShape odd;
  odd.name = "odd channels, 3 taps, mixture, encoder";
  odd.taps = 3;
  odd.dilations = {1, 2, 4, 1, 3};
  odd.encoder = {6, 5};
  all.push_back(odd);
  StepShape gaussian;
  gaussian.name = "R = G = 32, 2 taps, Gaussian, no sample features";
  gaussian.residual = gaussian.gate = 32;
  gaussian.skip = 48;
  gaussian.head = 24;
  gaussian.dilations = {1, 2, 4, 8};
  gaussian.sample_features = 0;
  gaussian.distribution = Distribution::gaussian;
  gaussian.last_residual = false;
  all.push_back(gaussian);
  StepShape classes;
  classes.name = "embedding, mu-law, no rows";
  classes.residual = 20;
  classes.gate = 17;
  classes.skip = 40;
  classes.head = 33;
  classes.dilations = {1, 5, 16};
  classes.row_features = 0;
  classes.distribution = Distribution::mu_law_categorical;
  classes.input = InputKind::embedding;
  classes.choices = 61;
  all.push_back(classes);
  StepShape wide;
  wide.name = "wide, i16 skip in several chunks, one tap";
  wide.residual = 40;
  wide.gate = 70;
  wide.skip = 100;
  wide.head = 50;
  wide.taps = 1;
  wide.dilations = {1, 1, 1, 1, 1};
  wide.encoder = {12};
  wide.choices = 10;
  all.push_back(wide);
  return all;
}

inline std::vector<RigLane> lanes_of(int count) {
  std::vector<RigLane> lanes;
  for (int i = 0; i < count; ++i) {
    const float temperatures[] = {1.0F, 0.7F, 0.0F};
    lanes.push_back({count - 1 - i, static_cast<std::uint64_t>(20 + i), temperatures[i % 3], {}});
  }
  return lanes;
}

inline constexpr int kTotal =
    90;  // nearly three rows of the rig; rings of up to 16 wrap five times

// What a runner makes of lanes, and every hidden value and output of the one in slot 1.
struct Probed {
  std::vector<float> values;
  std::vector<RigResult> results;
};

inline Probed probed(StepRunner& runner,
                     const StepPlan& plan,
                     const RunnerRig& rig,
                     const std::vector<RigLane>& lanes,
                     int samples,
                     int block) {
  const int width =
      plan.layer_count() * (plan.residual_channels + plan.gate_channels) + plan.output.outputs;
  Buffer values(samples, width);
  StepProbe probe{1, values.view(), 0};
  runner.set_probe(&probe);
  Probed found;
  found.results = rig.run(runner, lanes, samples, block);
  CHECK(probe.next_frame == samples);
  runner.set_probe(nullptr);
  found.values.assign(values.view().data(), values.view().data() + samples * width);
  return found;
}

// Every hidden value and output, and the likelihoods, of a lane under teacher forcing.
struct Followed {
  std::vector<float> hidden;
  std::vector<float> likelihood;
};

inline Followed follow(StepRunner& runner, const StepPlan& plan, const RunnerRig& rig, int block) {
  const std::vector<float> teacher = rig.teacher(3, kTotal);
  Probed found = probed(runner, plan, rig, {{1, 31, 1.0F, teacher}}, kTotal, block);
  return {std::move(found.values), std::move(found.results[0].log_likelihood)};
}

// A forced lane's likelihoods are within `bound` of the CPU's f32 at every shape, on a device whose
// runner's description says so.
inline void check_likelihoods_follow(Precision precision,
                                     const gpu::EmulatedDevice& device,
                                     const std::string& says,
                                     double bound) {
  for (const StepShape& shape : shapes()) {
    CAPTURE(shape.name);
    const StepPlan plan = random_step_plan(shape, 13);
    const RunnerRig rig(plan);
    const std::vector<float> teacher = rig.teacher(3, kTotal);
    const std::vector<RigLane> lanes{{1, 31, 1.0F, teacher}};
    const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, {});
    const auto expected = rig.run(*judge, lanes, kTotal, 64);
    StepRunnerOptions options;
    options.precision = precision;
    const auto runner = emulated(plan, options, device);
    CHECK_THAT(runner->description(), Catch::Contains(says));
    const auto actual = rig.run(*runner, lanes, kTotal, 33);
    CHECK(largest_difference(actual[0].log_likelihood, expected[0].log_likelihood) < bound);
  }
}

// A half keeps 11 bits: a weight and an input are off by up to 2^-12 of themselves each, a product of
// n inputs of order one with weights of 1/sqrt(n) by some 3e-4 where the errors do not conspire; the
// h that grows by L such steps, and the outputs, by a few times that. Measured: 4.1e-4.
inline constexpr double kHalfHidden = 2e-3;
// ln P by bins of networks as untrained as these: their scales are wide. Measured: 6.7e-5.
inline constexpr double kHalfLikelihood = 1e-3;

}  // namespace ondes
