// HiFi-GAN generators on the CPU runner: the trained reference, and any cut into blocks.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "engine/weights/mel_file.h"
#include "models/hifigan/hifigan.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/test_data.h"

using namespace ondes;

namespace {

constexpr int kReferenceBands = 80;

std::vector<float> floats_of(const std::filesystem::path& path) {
  const MappedFile file(path.string());
  return npy_floats(parse_npy(file.bytes(), path.string()));
}

std::vector<float> mel_of(const std::filesystem::path& path) {
  const MappedFile file(path.string());
  return parse_mel_npy(file.bytes(), kReferenceBands, path.string()).values;
}

// The trained V3 generator of the reference data.
BlockPlan reference_plan(const std::filesystem::path& folder) {
  std::ifstream stream(folder / "config.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const HifiganConfig config =
      hifigan_config_from_json(parse_json(text, "config.json"), "config.json");
  return compile_hifigan(config, open_safetensors((folder / "generator.safetensors").string()),
                         config.sample_rate_hz);
}

}  // namespace

TEST_CASE("the runner gives the trained V3 generator's reference audio, clips entire") {
  const auto data = test_data();
  if (!data) {
    WARN("SKIPPED: no test data");
    return;
  }
  const auto folder = *data / "hifigan_v3_ljspeech";
  const BlockPlan plan = reference_plan(folder);
  BlockRunnerOptions options;
  options.max_block_frames = 64;
  const auto runner = make_cpu_block_runner(plan, options);
  const std::vector<int> blocks{64};
  for (const std::string clip : {"LJ050-0029", "LJ050-0030"}) {
    INFO(clip);
    const std::vector<float> mel = mel_of(folder / (clip + ".mel.npy"));
    const std::vector<float> expected = floats_of(folder / (clip + ".audio.npy"));
    const int frames = static_cast<int>(mel.size()) / kReferenceBands;
    const auto samples =
        run_blocks(*runner, ConstFrames(mel.data(), frames, kReferenceBands), blocks);
    REQUIRE(samples.size() == expected.size());
    CHECK(samples.size() == static_cast<std::size_t>(frames) * 256);
    const float worst = largest_difference(samples, expected);
    INFO("largest difference " << worst);
    CHECK(worst < 1e-4F);
  }
}

TEST_CASE("any block schedule gives the samples of one call, to the bit") {
  constexpr int kFrames = 37;  // beyond the look-ahead of every variant
  std::mt19937 random(5);
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    const BlockPlan plan = random_hifigan(config, 11);
    const std::vector<float> mel = random_mel(kFrames, config.mel_bands, 3);
    const ConstFrames view(mel.data(), kFrames, config.mel_bands);
    BlockRunnerOptions options;
    options.max_block_frames = kFrames;
    const auto runner = make_cpu_block_runner(plan, options);
    const std::vector<int> whole{kFrames};
    const std::vector<float> expected = run_blocks(*runner, view, whole);
    CHECK(expected.size() == static_cast<std::size_t>(kFrames * config.hop_samples()));
    CHECK(peak_of(expected) > 0.01F);  // not two silences
    std::vector<std::vector<int>> schedules{{1}, {2}, {3}, {16}};
    for (int i = 0; i < 4; ++i) {
      std::vector<int> schedule(16);
      for (int& frames : schedule) {
        frames = std::uniform_int_distribution<int>(1, 9)(random);
      }
      schedules.push_back(schedule);
    }
    for (const std::vector<int>& schedule : schedules) {
      INFO("blocks of " << schedule[0] << ", " << schedule[1 % schedule.size()] << ", ...");
      CHECK(run_blocks(*runner, view, schedule) == expected);
    }
    // Sums are the judge's to the bit; only the activations' polynomials differ.
    const std::vector<float> judged = evaluate_block_plan(plan, {&view, 1});
    REQUIRE(judged.size() == expected.size());
    CHECK(largest_difference(judged, expected) < 2e-5F);
  }
}

TEST_CASE("a clip of one frame has a hop of samples") {
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    const BlockPlan plan = random_hifigan(config, 2);
    CHECK(output_frames(plan, 1) == config.hop_samples());
    const std::vector<float> mel = random_mel(1, config.mel_bands, 4);
    const ConstFrames view(mel.data(), 1, config.mel_bands);
    const std::vector<float> judged = evaluate_block_plan(plan, {&view, 1});
    const auto runner = make_cpu_block_runner(plan, {});
    const std::vector<int> one{1};
    const std::vector<float> samples = run_blocks(*runner, view, one);
    REQUIRE(samples.size() == judged.size());
    CHECK(samples.size() == static_cast<std::size_t>(config.hop_samples()));
    CHECK(largest_difference(samples, judged) < 2e-5F);
  }
}
