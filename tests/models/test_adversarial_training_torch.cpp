// Adversarial training: what is drawn from recordings, how runs learn, go on, stop and fail.
#include <torch/torch.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "engine/plan/block_runner.h"
#include "models/mel_analysis.h"
#include "models/registry.h"
#include "models/training/hifigan_task_torch.h"
#include "tests/support/synthetic_recordings.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Workshop {
  TemporaryFolder folder;
  ClipCorpus corpus;

  Workshop() {
    write_synthetic_recordings(folder.path() / "recordings");
    make_clip_corpus(spec(), folder.path() / "corpus", [](int, int) {});
    corpus = open_clip_corpus(folder.path() / "corpus");
  }
  ClipCorpusSpec spec() const {
    ClipCorpusSpec spec = recipe(synthetic_mel_recipe()).corpus;
    spec.recordings = folder.path() / "recordings";
    return spec;
  }
  static HifiganRecipe recipe(const nlohmann::json& json) {
    return hifigan_recipe_from_json(json, "recipe.json");
  }
  TrainingRun run(const std::string& work) const {
    TrainingRun run;
    run.work_folder = folder.path() / work;
    run.voice = folder.path() / (work + ".safetensors");
    return run;
  }
  bool train(const nlohmann::json& json, const TrainingRun& run) const {
    const HifiganRecipe made = recipe(json);
    return train_adversarial(*make_hifigan_task(made, corpus), made.training, run);
  }
};

std::vector<nlohmann::json> log_of(const TrainingRun& run) {
  std::ifstream file(run.work_folder / "log.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

}  // namespace

// --- recordings ----------------------------------------------------------------------------------

TEST_CASE("a corpus holds every recording as mono at the voice's rate, split by its path") {
  const Workshop shop;
  REQUIRE(shop.corpus.clips.size() == 8);
  CHECK(shop.corpus.sample_rate_hz == 8000);
  std::set<std::string> validation;
  for (const Clip& clip : shop.corpus.clips) {
    if (clip.split == Split::validation) {
      validation.insert(clip.name);
    }
  }
  CHECK(!validation.empty());
  CHECK(validation.size() < 8);
  CHECK(shop.corpus.clips[0].name == "even/tone0.wav");
  CHECK(shop.corpus.clips[7].name == "odd/tone7.wav");
  CHECK(shop.corpus.clips[7].samples == 1850);  // 3700 at 16 kHz
  CHECK(shop.corpus.audio(shop.corpus.clips[0]).size() == 3000);

  // Another file moves none of the others to the other side.
  write_tone(shop.folder.path() / "recordings" / "another.wav", 300.0, 2000, 8000);
  make_clip_corpus(shop.spec(), shop.folder.path() / "more", [](int, int) {});
  const ClipCorpus more = open_clip_corpus(shop.folder.path() / "more");
  REQUIRE(more.clips.size() == 9);
  for (const Clip& clip : more.clips) {
    if (clip.name != "another.wav") {
      CHECK((clip.split == Split::validation) == (validation.count(clip.name) == 1));
    }
  }
}

TEST_CASE("recordings that are too few, of another rate, or no sound are refused by name") {
  const Workshop shop;
  ClipCorpusSpec spec = shop.spec();
  spec.resamples = false;
  const auto nothing = [](int, int) {};
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { make_clip_corpus(spec, shop.folder.path() / "c", nothing); }),
                 {"tone7.wav", "8000", "16000"});
  CHECK(!std::filesystem::exists(shop.folder.path() / "c" / "clips.json"));
  spec.recordings = shop.folder.path() / "recordings" / "nowhere";
  message_of(ErrorCode::io, [&] { make_clip_corpus(spec, shop.folder.path() / "c", nothing); });
  write_tone(shop.folder.path() / "alone" / "one.wav", 300.0, 2000, 8000);
  spec.recordings = shop.folder.path() / "alone";
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { make_clip_corpus(spec, shop.folder.path() / "c", nothing); }),
                 {"alone", "two", "found 1"});
  std::ofstream(shop.folder.path() / "alone" / "two.wav") << "not a sound";
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { make_clip_corpus(spec, shop.folder.path() / "c", nothing); }),
                 {"two.wav"});
}

TEST_CASE("a segment's frames are the whole recording's, bit for bit") {
  const Workshop shop;
  const HifiganRecipe recipe = Workshop::recipe(synthetic_mel_recipe());
  LogMel analysis(mel_config_of(recipe.contract));
  const MelBatches batches(shop.corpus, recipe.contract, recipe.batches);
  for (const Split split : {Split::train, Split::validation}) {
    for (int step = 0; step < 20; ++step) {
      const MelBatch batch = batches.draw(split, step);
      const std::string names = batches.names(split, step) + ", ";
      std::size_t from = 0;
      for (int b = 0; b < 2; ++b) {
        const std::size_t end = names.find(", ", from);
        const std::string name = names.substr(from, end - from);
        from = end + 2;
        const std::size_t at = name.find(" at ");
        const auto clip = std::find_if(shop.corpus.clips.begin(), shop.corpus.clips.end(),
                                       [&](const Clip& c) { return c.name == name.substr(0, at); });
        REQUIRE(clip != shop.corpus.clips.end());
        CHECK(clip->split == split);
        const int first = std::stoi(name.substr(at + 4));
        const std::span<const float> audio = shop.corpus.audio(*clip);
        const std::vector<float> whole = analysis.analyze(audio);
        const auto mel = batch.mel.accessor<float, 3>();
        const auto samples = batch.audio.accessor<float, 2>();
        for (int t = 0; t < 16; ++t) {
          for (int m = 0; m < 20; ++m) {
            REQUIRE(mel[b][m][t] == whole[static_cast<std::size_t>((first / 32 + t) * 20 + m)]);
          }
        }
        for (int n = 0; n < 512; ++n) {
          REQUIRE(samples[b][n] == audio[static_cast<std::size_t>(first + n)]);
        }
      }
    }
  }
}

TEST_CASE("a draw of recordings is a function of seed and step, and reaches every recording") {
  const Workshop shop;
  HifiganRecipe recipe = Workshop::recipe(synthetic_mel_recipe());
  const MelBatches batches(shop.corpus, recipe.contract, recipe.batches);
  const MelBatches again(shop.corpus, recipe.contract, recipe.batches);
  std::set<std::string> seen;
  for (int step = 0; step < 100; ++step) {
    CHECK(batches.names(Split::train, step) == again.names(Split::train, step));
    const std::string names = batches.names(Split::train, step);
    seen.insert(names.substr(0, names.find(' ')));
  }
  CHECK(static_cast<int>(seen.size()) == batches.clips(Split::train));
  recipe.batches.seed = 2;
  const MelBatches other(shop.corpus, recipe.contract, recipe.batches);
  CHECK(other.names(Split::train, 0) != batches.names(Split::train, 0));
}

// --- runs ----------------------------------------------------------------------------------------

TEST_CASE("forty steps lower the loss on held-out recordings, and the voice is one that plays") {
  const Workshop shop;
  nlohmann::json json = synthetic_mel_recipe();
  json["training"]["steps"] = 40;
  json["training"]["adversarial_from_step"] = 20;
  json["training"]["ema_decay"] = 0.5;
  const TrainingRun run = shop.run("work");
  REQUIRE(shop.train(json, run));
  const std::vector<nlohmann::json> log = log_of(run);
  REQUIRE(log.size() == 10);
  CHECK(log.back().at("validation_loss").get<double>() <
        0.8 * log.front().at("validation_loss").get<double>());
  CHECK(!log[4].contains("discriminators"));  // step 20 was the last without
  CHECK(log[5].contains("discriminators"));
  CHECK(log[5].contains("features"));

  const VoiceFile voice = open_voice(run.voice.string());
  CHECK(voice.architecture == "hifigan");
  CHECK(voice.description->at("training").at("steps") == 40);
  const BlockPlan plan = compile_block_plan(voice);
  const std::vector<float> mel(20 * 10, -3.0F);
  const ConstFrames input(mel.data(), 10, 20);
  CHECK(evaluate_block_plan(plan, std::span(&input, 1)).size() == 320);
}

double last_loss(const TrainingRun& run) {
  const std::string log = bytes_of(run.work_folder / "log.jsonl");
  const std::string line = log.substr(log.rfind('\n', log.size() - 2) + 1);
  return nlohmann::json::parse(line).at("loss").get<double>();
}

TEST_CASE("an adversarial run that stopped and went on ends with the bits of one that did not") {
  const Workshop shop;
  const nlohmann::json json = synthetic_mel_recipe();
  REQUIRE(shop.train(json, shop.run("whole")));
  // Stops before, at and after the discriminators' first step.
  for (const std::int64_t stop : {2, 4, 6}) {
    TrainingRun run = shop.run("parts" + std::to_string(stop));
    run.stop_after_steps = stop;
    REQUIRE(!shop.train(json, run));
    CHECK(!std::filesystem::exists(run.voice));
    run.stop_after_steps = -1;
    run.resume = true;
    REQUIRE(shop.train(json, run));
    INFO("stopped after " << stop);
    CHECK(last_loss(run) == last_loss(shop.run("whole")));  // the log's running mean goes on too
    CHECK(bytes_of(run.voice) == bytes_of(shop.run("whole").voice));
  }
}

TEST_CASE("an interrupted adversarial run saves, says so, and goes on to the same bits") {
  const Workshop shop;
  const nlohmann::json json = synthetic_mel_recipe();
  REQUIRE(shop.train(json, shop.run("whole")));
  TrainingRun run = shop.run("parts");
  run.interrupted = []() noexcept { return true; };
  check_contains(message_of(ErrorCode::interrupted, [&] { shop.train(json, run); }),
                 {"step 1", "--resume"});
  run.interrupted = nullptr;
  run.resume = true;
  REQUIRE(shop.train(json, run));
  CHECK(bytes_of(run.voice) == bytes_of(shop.run("whole").voice));
}

TEST_CASE("another seed gives another voice") {
  const Workshop shop;
  nlohmann::json json = synthetic_mel_recipe();
  REQUIRE(shop.train(json, shop.run("one")));
  json["training"]["seed"] = 2;
  REQUIRE(shop.train(json, shop.run("two")));
  const auto weights = [&](const std::string& work) {
    const VoiceFile voice = open_voice(shop.run(work).voice.string());
    const std::span<const float> w = require_f32(voice.weights, "conv_pre.weight", {16, 20, 7});
    return std::vector<float>(w.begin(), w.end());
  };
  CHECK(weights("one") != weights("two"));
}

TEST_CASE("fine-tuning starts from the voice: its first output is the voice's") {
  const Workshop shop;
  const nlohmann::json json = synthetic_mel_recipe();
  const TrainingRun first = shop.run("first");
  REQUIRE(shop.train(json, first));
  const HifiganRecipe recipe = Workshop::recipe(json);
  const auto task = make_hifigan_task(recipe, shop.corpus);
  torch::manual_seed(99);
  const auto generator = task->make_generator();
  task->load_voice(generator.get(), first.voice.string());
  const TensorMap batch = task->draw(Split::train, 0);
  const torch::Tensor audio = task->generate(*generator, batch)[0].detach().contiguous();
  const torch::Tensor mel = batch.at("mel")[0].t().contiguous();
  const ConstFrames input(mel.data_ptr<float>(), 16, 20);
  const std::vector<float> played = evaluate_block_plan(
      compile_block_plan(open_voice(first.voice.string())), std::span(&input, 1));
  REQUIRE(played.size() == 512);
  // Weight norm takes the weights apart and puts them together again: a few ulps through ten layers.
  CHECK((audio - torch::tensor(played)).abs().max().item<float>() < 1e-5F);

  // And with a rate of zero the trained voice is the one it started from.
  nlohmann::json still = json;
  still["training"]["learning_rate"] = 0.0;
  still["training"]["discriminator_learning_rate"] = 1e-4;
  TrainingRun run = shop.run("still");
  run.start_from = first.voice;
  REQUIRE(shop.train(still, run));
  const VoiceFile before = open_voice(first.voice.string());
  const VoiceFile after = open_voice(run.voice.string());
  CHECK(after.description->at("training").at("fine_tuned") == true);
  for (const auto& [name, view] : before.weights.tensors) {
    const auto a = require_f32(before.weights, name, view.shape);
    const auto b = require_f32(after.weights, name, view.shape);
    for (std::size_t i = 0; i < a.size(); ++i) {
      INFO(name << " " << i);
      REQUIRE(b[i] == Approx(a[i]).epsilon(1e-5).margin(1e-7));
    }
  }
}

TEST_CASE("a voice of another network or another mel is refused by the field that differs") {
  const Workshop shop;
  const nlohmann::json json = synthetic_mel_recipe();
  const TrainingRun first = shop.run("first");
  REQUIRE(shop.train(json, first));
  TrainingRun run = shop.run("next");
  run.start_from = first.voice;
  nlohmann::json other = json;
  other["network"]["upsample_initial_channel"] = 32;
  check_contains(message_of(ErrorCode::bad_input, [&] { shop.train(other, run); }),
                 {"first.safetensors", "upsample_initial_channel", "32", "16"});
  other = json;
  other["features"]["fmax"] = 3000;
  check_contains(message_of(ErrorCode::bad_input, [&] { shop.train(other, run); }),
                 {"first.safetensors", "fmax", "3000", "4000"});
}

TEST_CASE("adversarial checkpoints of another recipe, cut short or absent are refused") {
  const Workshop shop;
  const nlohmann::json json = synthetic_mel_recipe();
  TrainingRun run = shop.run("work");
  run.resume = true;
  check_contains(message_of(ErrorCode::io, [&] { shop.train(json, run); }),
                 {"checkpoint.pt", "no such"});
  run.resume = false;
  run.stop_after_steps = 2;
  REQUIRE(!shop.train(json, run));
  run.resume = true;
  run.stop_after_steps = -1;
  nlohmann::json other = json;
  other["training"]["learning_rate"] = 0.1;
  check_contains(message_of(ErrorCode::bad_input, [&] { shop.train(other, run); }),
                 {"checkpoint.pt", "training"});
  const std::filesystem::path checkpoint = run.work_folder / "checkpoint.pt";
  std::filesystem::resize_file(checkpoint, std::filesystem::file_size(checkpoint) / 2);
  check_contains(message_of(ErrorCode::bad_input, [&] { shop.train(json, run); }),
                 {"checkpoint.pt", "expected a checkpoint"});
}

TEST_CASE("an adversarial loss that is not finite stops the run and names step and recordings") {
  const Workshop shop;
  nlohmann::json json = synthetic_mel_recipe();
  TrainingRun run = shop.run("work");
  run.stop_after_steps = 2;
  REQUIRE(!shop.train(json, run));
  const std::string before = bytes_of(run.work_folder / "checkpoint.pt");
  // Rates that throw the weights out of float's range within steps.
  json["training"]["learning_rate"] = 1e30;
  run.stop_after_steps = -1;
  const std::string message = message_of(ErrorCode::bad_input, [&] { shop.train(json, run); });
  check_contains(message, {"training step ", "not finite", ".wav at "});
  CHECK(bytes_of(run.work_folder / "checkpoint.pt") == before);
  CHECK(!std::filesystem::exists(run.voice));
}

TEST_CASE("every mel voice's configuration in samples/configs is accepted, and is what it says") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(ONDES_SOURCE_DIR) / "samples/configs")) {
    if (entry.path().extension() != ".json") {
      continue;
    }
    const nlohmann::json json = nlohmann::json::parse(bytes_of(entry.path()));
    if (json.at("features").at("kind") == "mel") {
      INFO(entry.path().filename().string());
      const HifiganRecipe recipe = hifigan_recipe_from_json(json, entry.path().filename().string());
      CHECK(recipe.contract.hop_samples == recipe.network.hop_samples());
      ++count;
    }
  }
  CHECK(count > 0);
}

TEST_CASE("recipes of mel voices are strict") {
  const auto refused = [](const std::string& pointer, const nlohmann::json& value,
                          std::initializer_list<std::string> parts) {
    nlohmann::json json = synthetic_mel_recipe();
    json[nlohmann::json::json_pointer(pointer)] = value;
    check_contains(
        message_of(ErrorCode::bad_input, [&] { hifigan_recipe_from_json(json, "recipe.json"); }),
        parts);
  };
  refused("/training/segment_samples", 500, {"recipe.json", "segment_samples", "32", "500"});
  refused("/training/segment_samples", 96, {"segment_samples", "96"});
  refused("/training/steps", 0, {"steps"});
  refused("/training/stepps", 1, {"stepps"});
  refused("/training/discriminators/scale_channels", 20, {"scale_channels", "16", "20"});
  refused("/training/discriminators/resolutions/0/hop", 65, {"resolutions[0]", "hop"});
  refused("/training/stft_resolutions", nlohmann::json::array(), {"stft_resolutions"});
  refused("/network/num_mels", 80, {"num_mels", "20", "80"});
  refused("/network/upsample_rates", nlohmann::json{8, 2}, {"upsample_rates"});
  refused("/features/hop", 64, {"32", "64"});
  refused("/corpus/resampled", true, {"corpus", "resampled"});
  refused("/more", 1, {"more"});
}
