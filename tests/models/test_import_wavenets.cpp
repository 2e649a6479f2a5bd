// WaveNets of other projects: the step plan's last outputs are PyTorch's, teacher-forced.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/plan/step_runner.h"
#include "engine/plan/step_vocoder.h"
#include "models/importers/import_voice.h"
#include "models/registry.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
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
  return read_npy_floats(golden(name)).values;
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
  const auto upsampling = compile_upsampling(voice);
  const ConstFrames mel(frames.data(), count / kHop, plan.row_features);
  const std::vector<float> upsampled =
      upsampling ? evaluate_block_plan(*upsampling, {&mel, 1}) : std::vector<float>();
  const int rows = upsampling ? count : count / kHop;
  REQUIRE(upsampled.size() == static_cast<std::size_t>(upsampling ? count * plan.row_features : 0));
  std::vector<int> starts;
  for (int row = 0; row < rows; ++row) {
    starts.push_back(row * (count / rows));
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
  lane.rows = upsampling ? ConstFrames(upsampled.data(), rows, plan.row_features) : mel;
  lane.row_starts = starts;
  lane.output = output;
  lane.teacher = samples;
  runner->start(0);
  runner->process(std::span(&lane, 1), count);
  REQUIRE(expected.size() == static_cast<std::size_t>(count * outputs));
  std::vector<float> made;  // the last of what the probe saw at each sample
  for (int t = 0; t < count; ++t) {
    const auto end = seen.begin() + (t + 1) * width;
    made.insert(made.end(), end - outputs, end);
  }
  CHECK(largest_difference(made, expected) <= kTolerance);
}

// What the voice makes of its golden frames, `block` of them a call.
std::vector<float> vocoded(const VoiceFile& voice,
                           const std::vector<float>& frames,
                           int block,
                           std::uint64_t seed,
                           float temperature) {
  const StepPlan plan = compile_step_plan(voice);
  StepRunnerOptions lane;
  lane.max_lanes = 1;
  lane.max_block_samples = 5;  // no divisor of the hop
  StepVocoderOptions options;
  options.row_features = plan.row_features;
  options.hop_samples = kHop;
  options.max_block_frames = block;
  options.seed = seed;
  options.temperature = temperature;
  std::unique_ptr<BlockRunner> upsampler;
  if (const auto upsampling = compile_upsampling(voice)) {
    BlockRunnerOptions blocks;
    blocks.max_block_frames = block;
    upsampler = make_cpu_block_runner(*upsampling, blocks);
  }
  const auto vocoder =
      make_step_vocoder(make_cpu_step_runner(plan, lane), std::move(upsampler), options);
  const int count = static_cast<int>(frames.size()) / plan.row_features;
  const std::vector<int> schedule{block};
  return run_blocks(*vocoder, ConstFrames(frames.data(), count, plan.row_features), schedule);
}

}  // namespace

TEST_CASE("wavenet_vocoder's networks give PyTorch's outputs: mixture and classes, legacy or not") {
  check_outputs("r9y9_mixture");
  check_outputs("r9y9_classes");
}

TEST_CASE("nv-wavenet's state dict gives PyTorch's outputs, an upsampling that repeats folded") {
  check_outputs("nv_wavenet");
}

TEST_CASE("a learned upsampling of the mel gives PyTorch's outputs") {
  check_outputs("r9y9_conv_in");
  check_outputs("r9y9_upsampled");
  check_outputs("nv_wavenet_learned");
}

TEST_CASE("left to themselves, always the likeliest class, networks play PyTorch's samples") {
  for (const std::string name : {"nv_wavenet", "r9y9_upsampled"}) {
    CAPTURE(name);
    const auto expected = load(name + ".greedy.npy");
    const auto found = vocoded(Import(name).voice(), load(name + ".frames.npy"), 3, 1, 0.0F);
    REQUIRE(found.size() == expected.size());
    // The same classes; their decoding is rounded twice, by 6e-8 of 1 each.
    CHECK(largest_difference(found, expected) < 1e-6F);
  }
}

TEST_CASE("a mel through an imported WaveNet: the same samples for any blocks, others for a seed") {
  for (const std::string name :
       {"r9y9_mixture", "r9y9_conv_in", "r9y9_upsampled", "nv_wavenet_learned"}) {
    CAPTURE(name);
    const VoiceFile voice = Import(name).voice();
    const auto frames = load(name + ".frames.npy");
    const auto whole = vocoded(voice, frames, 7, 5, 1.0F);
    CHECK(whole.size() == load(name + ".samples.npy").size());
    for (const int block : {1, 2, 3}) {
      CHECK(vocoded(voice, frames, block, 5, 1.0F) == whole);
    }
    CHECK(vocoded(voice, frames, 7, 6, 1.0F) != whole);
  }
}

TEST_CASE("what a step plan does not express is refused by its name") {
  Import scalar("r9y9_mixture");
  scalar.config["input_type"] = "mulaw";
  check_contains(scalar.refusal(), {"config.json", "'input_type'", "'mulaw'"});

  Import stride("nv_wavenet");
  stride.config["data_config"]["hop_length"] = 4;
  check_contains(stride.refusal(), {"'upsamp_stride'", "the hop of 4"});
  stride.config["data_config"]["hop_length"] = 16;
  stride.config["wavenet_config"]["upsamp_stride"] = 16;
  check_contains(stride.refusal(), {"w.pt", "'upsample.weight'", "the hop, 16"});

  Import scales("r9y9_conv_in");
  scales.config["upsample_params"]["upsample_scales"] = {4, 4};
  check_contains(scales.refusal(), {"'upsample_scales'", "8", "16"});
  Import mode("r9y9_upsampled");
  mode.config["upsample_params"]["mode"] = "bilinear";
  check_contains(mode.refusal(), {"'mode'", "'nearest'"});
  mode.config["upsample_params"]["mode"] = "nearest";
  mode.config["upsample_params"]["upsample_activation"] = "GELU";
  check_contains(mode.refusal(), {"'upsample_activation'", "'LeakyReLU'", "'GELU'"});
  Import pad("r9y9_upsampled");
  pad.config["cin_pad"] = 2;
  check_contains(pad.refusal(), {"'cin_pad'", "conv_in"});

  Import stacks("r9y9_mixture");
  stacks.config["stacks"] = 4;
  check_contains(stacks.refusal(), {"'layers'", "whole stacks"});
}
