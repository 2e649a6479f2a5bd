// .nam captures: against the reference output of NeuralAmpModelerCore (WaveNet) and of NumPy (LSTM).
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "dsp/audio_file.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "engine/plan/block_runner.h"
#include "models/importers/import_voice.h"
#include "models/nam/nam_lstm.h"
#include "models/nam/nam_wavenet.h"
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
  const MappedFile file(path.string());
  return npy_floats(parse_npy(file.bytes(), path.string()));
}

std::vector<float> evaluate(const BlockPlan& plan, const std::vector<float>& input) {
  const ConstFrames frames(input.data(), static_cast<int>(input.size()), 1);
  return evaluate_block_plan(plan, std::span(&frames, 1));
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  float worst = 0.0F;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float difference = std::fabs(a[i] - b[i]);
    worst = difference <= worst ? worst : difference;  // a NaN becomes the worst
  }
  return worst;
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
