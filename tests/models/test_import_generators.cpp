// Generators from PyTorch checkpoints and safetensors: the network gives what PyTorch's gives.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/conditioning/mel_contract.h"
#include "engine/files/mapped_file.h"
#include "engine/plan/block_runner.h"
#include "engine/weights/mel_contract_json.h"
#include "models/importers/import_voice.h"
#include "models/registry.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
#include "tests/support/program.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

namespace fs = std::filesystem;
using namespace ondes;
using nlohmann::json;

namespace {

// Sums of some hundred products of order 1 in another order: seen 2e-7; 16 times that.
constexpr float kTolerance = 3e-6F;

fs::path golden(const std::string& name) {
  return fs::path(ONDES_SOURCE_DIR) / "tests/golden/torch" / name;
}

// A file and its config.json, to be changed by a test before it is imported.
struct Import {
  std::string bytes;
  json config;

  explicit Import(const std::string& name)
      : bytes(read_text(golden(name + ".pt").string())),
        config(json::parse(read_text(golden(name + ".json").string()))) {}

  ImportRequest request() {
    config_text = config.is_null() ? std::string() : config.dump();
    ImportRequest request;
    request.bytes = std::as_bytes(std::span(bytes));
    request.path = "g.pt";
    request.config_text = config_text;
    request.config_path = "config.json";
    return request;
  }
  ImportedVoice voice() { return import_voice(request()); }
  std::string refusal() {
    return message_of(ErrorCode::bad_input, [this] { static_cast<void>(voice()); });
  }

  std::string config_text;
};

// Mel files are [bands, frames]; a plan takes [frames, bands].
std::vector<float> evaluate(const BlockPlan& plan, const fs::path& mel_path) {
  const auto [shape, values] = read_npy_floats(mel_path);
  const int bands = static_cast<int>(shape.at(0));
  const int frames = static_cast<int>(shape.at(1));
  std::vector<float> turned(values.size());
  for (int b = 0; b < bands; ++b) {
    for (int t = 0; t < frames; ++t) {
      turned[static_cast<std::size_t>(t * bands + b)] =
          values[static_cast<std::size_t>(b * frames + t)];
    }
  }
  const ConstFrames input(turned.data(), frames, bands);
  return evaluate_block_plan(plan, std::span(&input, 1));
}

void check_audio(const std::string& name) {
  CAPTURE(name);
  const VoiceFile voice = imported_voice_file(Import(name).request());
  CHECK(voice.architecture == "hifigan");
  CHECK(voice.sample_rate_hz == 8000);
  const std::vector<float> audio = read_npy_floats(golden(name + ".audio.npy")).values;
  const auto output = evaluate(compile_block_plan(voice), golden(name + ".mel.npy"));
  CHECK(largest_difference(output, audio) <= kTolerance);
}

}  // namespace

TEST_CASE("checkpoints give PyTorch's audio, weight norm of either kind folded") {
  check_audio("hifigan_1");
  check_audio("hifigan_2");
  check_audio("hifigan_parametrized");
  check_audio("bigvgan");
}

TEST_CASE("the report says what was folded, what the file has besides, what nobody knows") {
  const ImportedVoice voice = Import("hifigan_2").voice();
  const ImportReport& report = voice.report;
  CHECK(report.format == "HiFi-GAN generator, PyTorch checkpoint");
  CHECK(report.tensors_used == 16);
  CHECK(report.parameters == 578 - 33);  // what PyTorch counts, without the magnitudes
  CHECK(report.folded.size() == 8);
  std::string unused;
  for (const std::string& line : report.unused) {
    unused += line + "\n";
  }
  check_contains(unused, {"'mpd': 2 tensors", "'optim_g': 9 tensors", "'learning_rate'"});
  CHECK(report.unknown.size() == 2);
  CHECK(voice.description["training"]["imported"]["steps"] == 70001);
}

TEST_CASE("the voice's contract is the generator's own mel") {
  const json features = Import("hifigan_1").voice().description["features"];
  const MelContract contract = mel_contract_from_json(features, "voice");
  MelContract expected;  // HiFi-GAN's recipe is the default
  expected.sample_rate_hz = 8000;
  expected.fft_size = 16;
  expected.hop_samples = 4;
  expected.window_samples = 16;
  expected.mels = 4;
  expected.fmax_hz = 4000.0;
  CHECK(contract == expected);
}

TEST_CASE("tensors that are missing, misshapen or too many are named, all at once") {
  Import missing("hifigan_1");
  missing.config["upsample_rates"] = {2, 2, 2};
  missing.config["upsample_kernel_sizes"] = {4, 4, 4};
  missing.config["hop_size"] = 8;
  check_contains(missing.refusal(), {"g.pt", "missing: ", "resblocks.2.convs1.0.bias (1)"});

  Import extra("hifigan_1");
  extra.config["upsample_rates"] = {2};
  extra.config["upsample_kernel_sizes"] = {4};
  extra.config["hop_size"] = 2;
  check_contains(extra.refusal(), {"not in the network: ", "resblocks.1.convs1.0.bias (2)",
                                   "of another shape: conv_post.weight: expected (1, 4, 7), found "
                                   "(1, 2, 7)"});
}

TEST_CASE("a generator without its config.json, or with a field that would change it, is refused") {
  Import alone("hifigan_1");
  alone.config = json();
  check_contains(alone.refusal(), {"g.pt", "config.json", "--config"});

  Import unknown("hifigan_1");
  unknown.config["harmonic_source"] = true;
  check_contains(unknown.refusal(), {"config.json", "'harmonic_source'"});

  Import rate("hifigan_1");
  rate.config.erase("sampling_rate");
  check_contains(rate.refusal(), {"'sampling_rate'"});
}

TEST_CASE("filters that are not BigVGAN's are refused") {
  Import big("bigvgan");
  Import other("hifigan_1");
  CHECK_NOTHROW(big.voice());
  big.config["activation"] = "leaky_relu";
  check_contains(big.refusal(), {"not in the network: ", "act.alpha"});
}

TEST_CASE("the trained V3 generator imports from safetensors and gives its reference audio") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  const fs::path folder = *data / "hifigan_v3_ljspeech";
  const MappedFile file((folder / "generator.safetensors").string());
  const std::string config = read_text((folder / "config.json").string());
  ImportRequest request;
  request.bytes = file.bytes();
  request.path = "generator.safetensors";
  request.config_text = config;
  request.config_path = "config.json";
  const ImportedVoice voice = import_voice(request);
  CHECK(voice.report.parameters == 1462273);
  CHECK(voice.report.folded.empty());
  const MelContract contract =
      mel_contract_from_json(voice.description["features"], "generator.safetensors");
  MelContract expected;  // 22050 Hz, 1024, 256, 80 bands to 8 kHz: the default is this network's
  CHECK(contract == expected);
}
