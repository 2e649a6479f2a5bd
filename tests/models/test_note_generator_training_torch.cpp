// Training of note generators on notes that are known exactly: what is found, learned, resumed.
#include <torch/torch.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include "engine/error.h"
#include "models/registry.h"
#include "models/training/note_evaluation.h"
#include "models/training/note_generator_task.h"
#include "models/training/partial_analysis.h"
#include "tests/support/synthetic_notes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

nlohmann::json recipe_json() {
  nlohmann::json json = synthetic_recipe();
  json["features"]["harmonics"] = 0;
  json["features"]["phase"] = true;
  json["network"] = {{"partials", 6},        {"noise_bands", 4},
                     {"noise_taps", 32},     {"control_channels", {16}},
                     {"has_detune", true},   {"detune_channels", {4}},
                     {"level_channels", {8}}};
  json["detune"] = {{"steps", 50}};
  json["training"] = {{"steps", 12},
                      {"adversarial_from_step", 8},
                      {"segments", 3},
                      {"segment_samples", 4096},
                      {"fft_sizes", {256, 64}},
                      {"stft_weight", 0.0},
                      {"mel_weight", 0.0},
                      {"learning_rate", 0.01},
                      {"validate_every", 4},
                      {"validation_batches", 2},
                      {"discriminators",
                       {{"periods", {2, 3}},
                        {"period_channels", 2},
                        {"scales", 0},
                        {"resolutions", {{{"fft_size", 256}, {"hop", 64}, {"window", 256}}}},
                        {"resolution_channels", 2}}}};
  return json;
}

struct Workshop {
  Workshop() {
    write_synthetic_corpus(folder.path() / "corpus");
    corpus = open_note_corpus(folder.path() / "corpus");
  }
  TrainingRun run(const std::string& name) const {
    TrainingRun run;
    run.work_folder = folder.path() / name;
    run.voice = folder.path() / name / "voice.safetensors";
    return run;
  }
  bool train(const nlohmann::json& json, const TrainingRun& run) const {
    const NoteGeneratorRecipe recipe = note_generator_recipe_from_json(json, "recipe.json");
    const NoteGeneratorTask task(recipe, corpus, {});
    return train_adversarial(task, recipe.training, run);
  }
  TemporaryFolder folder;
  NoteCorpus corpus;
};

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// Partials of a stiff string, f_h = h f0 sqrt(1 + B h^2).
std::vector<float> stiff_string(double f0_hz, double stiffness, int rate_hz, int samples) {
  std::vector<float> audio(static_cast<std::size_t>(samples), 0.0F);
  for (int h = 1; h <= 12; ++h) {
    const double hz = h * f0_hz * std::sqrt(1.0 + stiffness * h * h);
    for (int t = 0; t < samples; ++t) {
      audio[static_cast<std::size_t>(t)] +=
          static_cast<float>(0.2 / h * std::sin(2.0 * M_PI * hz * t / rate_hz));
    }
  }
  return audio;
}

}  // namespace

TEST_CASE("the partials of a stiff string are found within a cent") {
  constexpr int kRateHz = 48000;
  for (const double stiffness : {0.0, 4e-4, 2e-3}) {
    CorpusNote note;
    note.pitch_semitones = 45.0F;  // 110 Hz
    note.samples = kRateHz;
    note.release_sample = kRateHz;
    const double f0_hz = 110.0;
    const std::vector<float> audio = stiff_string(f0_hz, stiffness, kRateHz, kRateHz);
    NoteContract contract = synthetic_contract();
    contract.sample_rate_hz = kRateHz;
    const NoteAnalysis analysis = analyse_note(audio, note, contract);
    const PartialDetune found = analyse_partials(audio, note, analysis, kRateHz, 12);
    const double own = std::sqrt(1.0 + stiffness);  // of the fundamental, which all are told from
    for (int h = 1; h <= 12; ++h) {
      INFO("stiffness " << stiffness << ", partial " << h);
      const auto i = static_cast<std::size_t>(h - 1);
      CHECK(found.weight[i] == 1.0F);
      const double wanted = 1200.0 * std::log2(std::sqrt(1.0 + stiffness * h * h) / own);
      // A parabola through a Hann peak at twofold zero padding is off by a tenth of a bin at most,
      // 0.15 Hz: a cent at 180 Hz.
      CHECK(found.cents[i] == Approx(wanted).margin(h == 1 ? 2.5 : 1.0));
    }
  }
}

TEST_CASE("training lowers the held-out distance and the voice plays the notes in tune") {
  const Workshop shop;
  nlohmann::json json = recipe_json();
  json["training"]["steps"] = 120;
  json["training"]["adversarial_from_step"] = 120;
  json["training"]["validate_every"] = 20;
  json["level"]["steps"] = 400;
  TrainingRun run = shop.run("learns");
  std::vector<double> validation;
  run.progress = [&](const TrainingProgress& p) {
    if (std::isfinite(p.validation_loss)) {
      validation.push_back(p.validation_loss);
    }
  };
  REQUIRE(shop.train(json, run));
  REQUIRE(validation.size() >= 2);
  INFO(validation.front() << " to " << validation.back());
  // It falls by more than a third; chance moves it by hundredths.
  CHECK(validation.back() < 0.8 * validation.front());

  const VoiceFile voice = open_voice(run.voice.string());
  CHECK(voice.description->at("training").at("corpus").at("licence") == "CC0-1.0");
  const LanePlan plan = compile_lane_plan(voice);
  const NoteContract contract = note_contract_from_json(voice.description->at("features"), "voice");
  std::vector<int> notes;
  for (std::size_t i = 0; i < shop.corpus.notes.size(); ++i) {
    if (shop.corpus.notes[i].split == Split::test && !shop.corpus.notes[i].is_neighbour) {
      notes.push_back(static_cast<int>(i));
    }
  }
  const auto rendered = render_notes(plan, contract, shop.corpus, notes, {}, [](int, int) {});
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const NoteFigures figures = measure_note(shop.corpus, notes[i], rendered[i]);
    INFO("note " << notes[i]);
    // Pitch is played, not learned; what is left is YIN's resolution at this rate and the noise.
    CHECK(std::fabs(figures.pitch_error_cents) < 15.0);
  }
}

TEST_CASE("a run that stopped among its discriminators ends with the bits of one that did not") {
  const Workshop shop;
  const nlohmann::json json = recipe_json();
  REQUIRE(shop.train(json, shop.run("straight")));
  TrainingRun first = shop.run("twice");
  first.stop_after_steps = 10;
  REQUIRE_FALSE(shop.train(json, first));
  CHECK_FALSE(std::filesystem::exists(first.voice));
  TrainingRun second = shop.run("twice");
  second.resume = true;
  REQUIRE(shop.train(json, second));
  const std::string straight = bytes_of(shop.run("straight").voice);
  CHECK(straight.size() > 1000);
  CHECK((bytes_of(second.voice) == straight));
}

TEST_CASE("fine-tuning begins with the weights of its voice") {
  const Workshop shop;
  nlohmann::json json = recipe_json();
  REQUIRE(shop.train(json, shop.run("first")));
  const NoteGeneratorRecipe recipe = note_generator_recipe_from_json(json, "recipe.json");
  const NoteGeneratorTask task(recipe, shop.corpus, {});
  const std::shared_ptr<torch::nn::Module> fresh = task.make_generator();
  task.load_voice(fresh.get(), shop.run("first").voice.string());
  const VoiceFile voice = open_voice(shop.run("first").voice.string());
  const auto exported = dynamic_cast<NoteGeneratorModuleImpl&>(*fresh).export_tensors();
  for (const auto& [name, tensor] : exported) {
    INFO(name);
    const std::span<const std::byte> stored = voice.weights.tensors.at(name).bytes;
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), stored.begin(), stored.end()));
  }
  json["network"]["control_channels"] = {17};
  const NoteGeneratorRecipe other = note_generator_recipe_from_json(json, "recipe.json");
  const NoteGeneratorTask wider(other, shop.corpus, {});
  const auto misfit = wider.make_generator();
  check_contains(
      message_of(ErrorCode::bad_input,
                 [&] { wider.load_voice(misfit.get(), shop.run("first").voice.string()); }),
      {"controls.0.weight"});
}

TEST_CASE("a recipe's unknown and impossible fields are refused by name") {
  nlohmann::json json = recipe_json();
  json["training"]["tempo"] = 3;
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { note_generator_recipe_from_json(json, "recipe.json"); }),
                 {"recipe.json", "tempo"});
  json = recipe_json();
  json["features"]["phase"] = false;
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { note_generator_recipe_from_json(json, "recipe.json"); }),
                 {"phase"});
  json = recipe_json();
  json["network"]["noise_taps"] = 33;
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { note_generator_recipe_from_json(json, "recipe.json"); }),
                 {"noise_taps", "33"});
}

}  // namespace ondes
