// A plan whose sizes contradict each other is refused, and the message names the field.
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "engine/plan/step_plan.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

// The message of the error that `action` throws; empty if none, or one of another code.
std::string refusal(const std::function<void()>& action, ErrorCode code) {
  try {
    action();
  } catch (const Error& error) {
    return error.code() == code ? error.what() : "";
  }
  return "";
}

TEST_CASE("sound plans are accepted and their multiplications counted") {
  for (const RigShape& shape : rig_shapes()) {
    const StepPlan plan = rig_plan(shape);
    CHECK_NOTHROW(validate(plan));
    CHECK(macs_per_sample(plan) > 0);
  }
  // L R (5R + S) + A S + A O: issue figures for R 32, S 128, A = O = 256, L 20.
  WavenetConfig config;
  config.residual_channels = config.gate_channels = 32;
  config.skip_channels = 128;
  config.head_channels = config.classes = 256;
  config.distribution = Distribution::mu_law_categorical;
  config.input = InputKind::embedding;
  config.dilations.assign(20, 1);
  // The last layer has no residual product: 32 * 32 fewer than the formula.
  CHECK(macs_per_sample(random_wavenet(config, 24000, 0, 0, 1)) == 282'624 - 32 * 32);
}

TEST_CASE("every contradicting size is refused by name") {
  using Change = std::function<void(StepPlan&)>;
  const std::vector<std::pair<std::string, Change>> changes{
      {"taps", [](StepPlan& p) { p.taps = 0; }},
      {"residual_channels", [](StepPlan& p) { p.residual_channels = -1; }},
      {"layers", [](StepPlan& p) { p.layers.clear(); }},
      {"layers[1].dilation_samples", [](StepPlan& p) { p.layers[1].dilation_samples = 0; }},
      {"layers[2].conv:", [](StepPlan& p) { p.layers[2].conv = p.layers[2].conv.subspan(1); }},
      {"layers[0].conv_bias", [](StepPlan& p) { p.layers[0].conv_bias = {}; }},
      {"layers[0].conditioning", [](StepPlan& p) { p.layers[0].conditioning = {}; }},
      {"layers[0].residual", [](StepPlan& p) { p.layers[0].residual = {}; }},
      {"layers[3].skip", [](StepPlan& p) { p.layers[3].skip = {}; }},
      {"skip_bias", [](StepPlan& p) { p.skip_bias = {}; }},
      {"input_weights", [](StepPlan& p) { p.sample_features += 1; }},
      {"head", [](StepPlan& p) { p.head.inputs += 1; }},
      {"head.activation", [](StepPlan& p) { p.head.activation = Activation::none; }},
      {"output.outputs", [](StepPlan& p) { p.mixture_components += 1; }},
      {"encoder[0].inputs", [](StepPlan& p) { p.row_features += 1; }},
      {"conditioning_channels", [](StepPlan& p) { p.conditioning_channels += 1; }},
      {"amplitude_levels", [](StepPlan& p) { p.amplitude_levels = 1; }},
  };
  const RigShape shape = rig_shapes().front();
  for (const auto& [field, change] : changes) {
    StepPlan plan = rig_plan(shape);
    change(plan);
    CAPTURE(field);
    const std::string message = refusal([&plan] { validate(plan); }, ErrorCode::bad_input);
    CHECK(message.find(field) != std::string::npos);
  }
}

TEST_CASE("runners refuse bad plans and bad options") {
  const StepPlan plan = rig_plan(rig_shapes().front());
  StepPlan broken = plan;
  broken.skip_bias = {};
  CHECK_THROWS_AS(make_cpu_step_runner(broken, {}), Error);
  StepRunnerOptions options;
  options.max_lanes = 0;
  CHECK(refusal([&] { make_cpu_step_runner(plan, options); }, ErrorCode::usage).find("max_lanes") !=
        std::string::npos);
  options = {};
  options.threads = 0;
  CHECK(refusal([&] { make_cpu_step_runner(plan, options); }, ErrorCode::usage).find("threads") !=
        std::string::npos);
}

}  // namespace
}  // namespace ondes
