// WaveNets of other projects: the step plan's last outputs are PyTorch's, teacher-forced.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "engine/plan/step_runner.h"
#include "models/importers/import_voice.h"
#include "models/registry.h"
#include "tests/support/program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

constexpr int kHop = 8;  // of the golden files
// Six layers of float sums of order 1 in another order, and scales of sqrt(1/2)^6 folded in: PyTorch
// itself is this far from its own float64.
constexpr float kTolerance = 2e-5F;

std::string golden(const std::string& name) {
  return std::string(ONDES_SOURCE_DIR) + "/tests/golden/torch/" + name;
}

std::vector<float> load(const std::string& name) {
  const MappedFile file(golden(name));
  return npy_floats(parse_npy(file.bytes(), name));
}

struct Import {
  std::string bytes;
  json config;

  explicit Import(const std::string& name)
      : bytes(read_text(golden(name + ".pt"))),
        config(json::parse(read_text(golden(name + ".json")))) {}
  VoiceFile voice() {
    const std::string text = config.dump();
    ImportRequest request;
    request.bytes = std::as_bytes(std::span(bytes));
    request.path = "w.pt";
    request.config_text = text;
    request.config_path = "config.json";
    return imported_voice_file(request);
  }
  std::string refusal() {
    return message_of(ErrorCode::bad_input, [this] { static_cast<void>(voice()); });
  }
};

void check_outputs(const std::string& name) {
  CAPTURE(name);
  const VoiceFile voice = Import(name).voice();
  CHECK(voice.architecture == "wavenet");
  const StepPlan plan = compile_step_plan(voice);
  const auto samples = load(name + ".samples.npy");
  const auto frames = load(name + ".frames.npy");
  const auto expected = load(name + ".outputs.npy");
  const int count = static_cast<int>(samples.size());
  const int rows = count / kHop;
  std::vector<int> starts;
  for (int row = 0; row < rows; ++row) {
    starts.push_back(row * kHop);
  }
  StepRunnerOptions options;
  options.max_lanes = 1;
  options.max_block_samples = count;
  const auto runner = make_cpu_step_runner(plan, options);
  const int outputs = plan.output.outputs;
  const int width = plan.layer_count() * (plan.residual_channels + plan.gate_channels) + outputs;
  std::vector<float> seen(static_cast<std::size_t>(count * width));
  StepProbe probe;
  probe.values = Frames(seen.data(), count, width);
  runner->set_probe(&probe);
  std::vector<float> output(samples.size());
  StepLane lane;
  lane.rows = ConstFrames(frames.data(), rows, plan.row_features);
  lane.row_starts = starts;
  lane.output = output;
  lane.teacher = samples;
  runner->start(0);
  runner->process(std::span(&lane, 1), count);
  REQUIRE(expected.size() == static_cast<std::size_t>(count * outputs));
  float worst = 0.0F;
  for (int t = 0; t < count; ++t) {
    for (int o = 0; o < outputs; ++o) {
      const float difference =
          std::fabs(seen[static_cast<std::size_t>((t + 1) * width - outputs + o)] -
                    expected[static_cast<std::size_t>(t * outputs + o)]);
      worst = difference <= worst ? worst : difference;  // a NaN becomes the worst
    }
  }
  CHECK(worst <= kTolerance);
}

}  // namespace

TEST_CASE("wavenet_vocoder's networks give PyTorch's outputs: mixture and classes, legacy or not") {
  check_outputs("r9y9_mixture");
  check_outputs("r9y9_classes");
}

TEST_CASE("nv-wavenet's state dict gives PyTorch's outputs, an upsampling that repeats folded") {
  check_outputs("nv_wavenet");
}

TEST_CASE("what a step plan does not express is refused by its name") {
  Import scalar("r9y9_mixture");
  scalar.config["input_type"] = "mulaw";
  check_contains(scalar.refusal(), {"config.json", "'input_type'", "'mulaw'"});

  Import learned("nv_wavenet");
  learned.config["data_config"]["hop_length"] = 4;  // its kernel of 8 would then overlap
  check_contains(learned.refusal(), {"w.pt", "'upsample.weight'", "a learned one"});

  Import stacks("r9y9_mixture");
  stacks.config["stacks"] = 4;
  check_contains(stacks.refusal(), {"'layers'", "whole stacks"});
}
