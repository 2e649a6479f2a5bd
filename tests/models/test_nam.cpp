// .nam captures: against the reference output of NeuralAmpModelerCore (WaveNet) and of NumPy (LSTM).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "dsp/audio_file.h"
#include "engine/files/mapped_file.h"
#include "engine/plan/block_runner.h"
#include "models/importers/import_voice.h"
#include "models/nam/nam_lstm.h"
#include "models/nam/nam_wavenet.h"
#include "models/registry.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
#include "tests/support/program.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

namespace fs = std::filesystem;
using namespace ondes;

namespace {

// The figure. The reference is of double precision, rounded to float.
constexpr float kTolerance = 1e-5F;

VoiceFile load_capture(const fs::path& path) {
  const MappedFile file(path.string());
  ImportRequest request;
  request.bytes = file.bytes();
  request.path = path.string();
  return imported_voice_file(request);
}

fs::path golden_folder() {
  return fs::path(ONDES_SOURCE_DIR) / "tests/golden/nam";
}

std::vector<float> load_npy(const fs::path& path) {
  return read_npy_floats(path).values;
}

std::vector<float> evaluate(const BlockPlan& plan, const std::vector<float>& input) {
  const ConstFrames frames(input.data(), static_cast<int>(input.size()), 1);
  return evaluate_block_plan(plan, std::span(&frames, 1));
}

// Through the fast runner, in blocks of 1 to `largest` samples.
std::vector<float> play(BlockRunner& runner, const std::vector<float>& input, int largest) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> sizes(1, largest);
  std::vector<float> block(static_cast<std::size_t>(runner.max_output_frames()));
  const Frames output(block.data(), runner.max_output_frames(), 1);
  std::vector<float> result;
  runner.start(0);
  const int count = static_cast<int>(input.size());
  for (int at = 0; at < count;) {
    const int size = std::min(sizes(random), count - at);
    const ConstFrames part(input.data() + at, size, 1);
    const int made = runner.process(0, std::span(&part, 1), output);
    result.insert(result.end(), block.begin(), block.begin() + made);
    at += size;
  }
  return result;
}

}  // namespace

TEST_CASE("WaveNet captures give NeuralAmpModelerCore's output") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  const fs::path folder = *data / "nam";
  const AudioClip input = read_audio_file((folder / "input.wav").string());
  for (const char* name : {"wavenet", "wavenet_a1_standard"}) {
    CAPTURE(name);
    const VoiceFile voice = load_capture(folder / (std::string(name) + ".nam"));
    CHECK(voice.architecture == "nam_wavenet");
    CHECK(voice.sample_rate_hz == 48000);
    const auto golden = load_npy(folder / (std::string(name) + ".golden.npy"));
    const auto output = evaluate(compile_nam_wavenet(voice), input.samples);
    CHECK(largest_difference(output, golden) <= kTolerance);
  }
}

TEST_CASE("an LSTM capture gives NumPy's output, from its own states and after its silence") {
  const VoiceFile voice = load_capture(golden_folder() / "lstm.nam");
  CHECK(voice.architecture == "nam_lstm");
  const BlockPlan plan = compile_nam_lstm(voice);
  CHECK(plan.prewarm_frames == 24000);
  const auto output = evaluate(plan, load_npy(golden_folder() / "input.npy"));
  CHECK(largest_difference(output, load_npy(golden_folder() / "lstm.golden.npy")) <= kTolerance);
}

TEST_CASE("gates, a bottleneck, kernels of several lengths and a head with taps as in NumPy") {
  const VoiceFile voice = load_capture(golden_folder() / "gated.nam");
  const auto output = evaluate(compile_nam_wavenet(voice), load_npy(golden_folder() / "input.npy"));
  CHECK(largest_difference(output, load_npy(golden_folder() / "gated.golden.npy")) <= kTolerance);
}

TEST_CASE("captures play the judge's samples whatever the blocks, and again after start()") {
  const auto input = load_npy(golden_folder() / "input.npy");
  for (const char* name : {"lstm", "gated"}) {
    CAPTURE(name);
    const BlockPlan plan =
        compile_block_plan(load_capture(golden_folder() / (std::string(name) + ".nam")));
    CHECK(latency_frames(plan) == 0);
    const auto judged = evaluate(plan, input);
    BlockRunnerOptions options;
    options.max_block_frames = 64;
    const auto runner = make_cpu_block_runner(plan, options);
    for (const int largest : {1, 7, 64}) {
      CHECK(play(*runner, input, largest) == judged);
    }
  }
}

TEST_CASE("what a capture has too much or too little is named, what is not played too") {
  const auto refusal = [](const std::string& text) {
    ImportRequest request;
    request.bytes = std::as_bytes(std::span(text));
    request.path = "amp.nam";
    return message_of(ErrorCode::bad_input,
                      [&] { static_cast<void>(imported_voice_file(request)); });
  };
  const nlohmann::json lstm =
      nlohmann::json::parse(read_text((golden_folder() / "lstm.nam").string()));
  const nlohmann::json gated =
      nlohmann::json::parse(read_text((golden_folder() / "gated.nam").string()));
  auto changed = lstm;
  changed["weights"].push_back(0.5);
  check_contains(refusal(changed.dump()), {"amp.nam", "'weights'", "386", "387"});
  changed = gated;
  changed["weights"].erase(0);
  check_contains(refusal(changed.dump()), {"'weights'", "head_scale", "898"});
  changed = gated;
  changed["config"]["layers"][0]["conv_pre_film"] = {{"active", true}};
  check_contains(refusal(changed.dump()), {"layers[0]", "'conv_pre_film'", "not played yet"});
  changed["config"]["layers"][0]["conv_pre_film"] = {{"active", false}};
  changed["config"]["layers"][1]["activation"][2] = "PReLU";
  check_contains(refusal(changed.dump()), {"layers[1]: layer 2: activation", "'PReLU'"});
  changed = gated;
  changed["config"]["layers"][1]["input_size"] = 7;
  check_contains(refusal(changed.dump()), {"'input_size'", "expected 4, found 7"});
  changed = lstm;
  changed["version"] = "1.0.0";
  check_contains(refusal(changed.dump()), {"'version'", "0.5 to 0.7"});
  changed = lstm;
  changed["architecture"] = "ConvNet";
  check_contains(refusal(changed.dump()), {"'architecture'", "'ConvNet'"});
  check_contains(refusal(lstm.dump().substr(0, 1000)), {"amp.nam", "expected JSON"});
}
