// Training: what is measured on notes, how segments are drawn, how runs go on, stop and fail.
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "engine/buffer.h"
#include "engine/conditioning/note_conditioner.h"
#include "engine/files/atomic_file.h"
#include "engine/lanes/level_ramp.h"
#include "models/registry.h"
#include "models/training/note_analysis.h"
#include "models/training/note_batches.h"
#include "models/training/note_generator_task.h"
#include "models/training/soundfont_corpus.h"
#include "models/training/wavenet_trainer.h"
#include "tests/support/synthetic_notes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically(path.string(), std::as_bytes(std::span(text.data(), text.size())));
}

NoteAnalysis analysis_of(const SyntheticNote& note) {
  return analyse_note(synthetic_audio(note), corpus_note(note), synthetic_contract());
}

// A corpus and a folder to train in.
struct Workshop {
  TemporaryFolder folder;
  NoteCorpus corpus;
  Workshop() {
    write_synthetic_corpus(folder.path() / "corpus");
    corpus = open_note_corpus(folder.path() / "corpus");
  }
  TrainingRun run(const std::string& work) const {
    TrainingRun run;
    run.work_folder = folder.path() / work;
    run.voice = folder.path() / (work + ".safetensors");
    return run;
  }
  bool train(const nlohmann::json& json, const TrainingRun& run) const {
    const VoiceRecipe recipe = voice_recipe_from_json(json, "recipe.json");
    return train_wavenet(recipe, corpus, run);
  }
};

}  // namespace

// --- analysis ------------------------------------------------------------------------------------

TEST_CASE("the phase's slope is the note's detune within a cent") {
  for (const double cents : {-25.0, -8.0, 0.0, 3.0, 19.0}) {
    for (const float pitch : {48.0F, 60.4F, 76.0F}) {
      SyntheticNote note;
      note.pitch_semitones = pitch;
      note.detune_cents = cents;
      note.decay_s = 0.4;
      note.samples = 4800;
      note.release_sample = 4000;
      const NoteAnalysis analysis = analysis_of(note);
      // Away from onset and release, where the window of four periods sees half a note.
      const std::size_t first = 1000 / kPhaseHopSamples;
      const std::size_t last = 3600 / kPhaseHopSamples;
      const double cycles = static_cast<double>(analysis.phase_deviation[last]) -
                            static_cast<double>(analysis.phase_deviation[first]);
      const double seconds =
          static_cast<double>((last - first) * kPhaseHopSamples) / kSyntheticRateHz;
      const double nominal_hz = static_cast<double>(semitones_to_hz(pitch));
      const double found = 1200.0 * std::log2((nominal_hz + cycles / seconds) / nominal_hz);
      INFO("pitch " << pitch);
      CHECK(found == Approx(cents).margin(1.0));
    }
  }
}

TEST_CASE("the locked phase turns with the recording, whatever its detune") {
  SyntheticNote note;
  note.detune_cents = 15.0;
  const NoteAnalysis analysis = analysis_of(note);
  const double nominal_hz = static_cast<double>(semitones_to_hz(note.pitch_semitones));
  for (int n = 400; n < 1400; n += 50) {
    const double phase = phase_at(analysis, nominal_hz, kSyntheticRateHz, n);
    // The fundamental is a sine: a quarter turn behind the cosine that phase 0 stands for.
    const double expected = synthetic_hz(note) * n / kSyntheticRateHz - 0.25;
    const double error = phase - expected - std::round(phase - expected);
    CHECK(std::fabs(error) < 0.02);  // 7 degrees: leakage of two partials through four periods
  }
}

TEST_CASE("the ramp is the note's level within half a decibel") {
  SyntheticNote note;
  note.decay_s = 0.12;
  note.release_decay_s = 0.05;
  const NoteAnalysis analysis = analysis_of(note);
  const int hop = synthetic_contract().hop_samples;
  std::vector<float> ramp(static_cast<std::size_t>(note.samples));
  write_ramp(analysis, hop, 0, ramp);
  CHECK(ramp[0] == 0.0F);
  for (int n = 2 * hop; n < note.samples - 200; ++n) {
    if (std::abs(n - note.release_sample) < 80) {
      continue;  // the measuring window sees both sides of the bend
    }
    const double found_db =
        20.0 * std::log10(static_cast<double>(ramp[static_cast<std::size_t>(n)]) *
                          static_cast<double>(kNetworkRms));
    const double expected_db = 20.0 * std::log10(synthetic_rms(note, n));
    INFO("sample " << n);
    REQUIRE(found_db == Approx(expected_db).margin(0.5));
  }
}

TEST_CASE("a piece of the ramp equals the same piece of the whole") {
  const SyntheticNote note;
  const NoteAnalysis analysis = analysis_of(note);
  std::vector<float> whole(static_cast<std::size_t>(note.samples));
  write_ramp(analysis, 32, 0, whole);
  for (const int first : {1, 31, 32, 33, 700, 1599, 1600, 1601, 1650}) {
    std::vector<float> piece(300);
    write_ramp(analysis, 32, first, piece);
    INFO("from sample " << first);
    CHECK(std::equal(piece.begin(), piece.end(), whole.begin() + first));
  }
}

TEST_CASE("training divides by the ramp that playing multiplies by") {
  const SyntheticNote note;
  const int hop = synthetic_contract().hop_samples;
  const NoteAnalysis analysis = analysis_of(note);
  std::vector<float> trained(static_cast<std::size_t>(note.samples));
  write_ramp(analysis, hop, 0, trained);
  LevelRamp played(hop);
  std::size_t row = 0;
  for (int n = 0; n < note.samples; ++n) {
    if (row < analysis.row_starts.size() && analysis.row_starts[row] == n) {
      played.open_row(analysis.row_amplitude[row++]);
    }
    INFO("sample " << n);
    // The same line, written as a quotient there and as a product here.
    REQUIRE(played.next() ==
            Approx(trained[static_cast<std::size_t>(n)]).epsilon(1e-5).margin(1e-7));
  }
}

TEST_CASE("rows stand where a lane's conditioner puts them, with the same contents") {
  const Workshop shop;
  const NoteContract contract = synthetic_contract();
  const NoteBatches batches(shop.corpus, contract);
  for (int i = 0; i < static_cast<int>(shop.corpus.notes.size()); i += 5) {
    const CorpusNote& note = shop.corpus.notes[static_cast<std::size_t>(i)];
    NoteConditioner conditioner(contract);
    std::vector<float> weights(2, 0.0F);
    weights[static_cast<std::size_t>(note.instrument)] = 1.0F;
    conditioner.start(note.pitch_semitones, static_cast<float>(note.velocity) / 127.0F, weights);
    Buffer rows(conditioner.max_rows(note.samples) + 1, contract.row_features());
    std::vector<int> starts(static_cast<std::size_t>(rows.frames()));
    const int held = conditioner.process(note.release_sample, rows.view(), starts, {});
    conditioner.release();
    std::vector<int> more(starts.size());
    const int released =
        conditioner.process(note.samples - note.release_sample,
                            rows.view().subview(held, rows.frames() - held), more, {});
    starts.resize(static_cast<std::size_t>(held));
    for (int r = 0; r < released; ++r) {
      starts.push_back(note.release_sample + more[static_cast<std::size_t>(r)]);
    }
    INFO("note " << i << ", release " << note.release_sample);
    REQUIRE(batches.analysis(i).row_starts == starts);
    const WavenetBatch batch = batches.segment(i, 0, note.samples, 0);
    for (int r = 0; r < held + released; ++r) {
      const float* trained = batch.rows[0][r].data_ptr<float>();
      for (int f = 0; f < contract.row_features(); ++f) {
        INFO("row " << r << ", " << contract.row_feature_names()[static_cast<std::size_t>(f)]);
        // Ages are a quotient here and a product there; exp doubles the difference of one ulp.
        REQUIRE(trained[f] == Approx(rows.view()[r][static_cast<std::size_t>(f)]).margin(1e-6));
      }
    }
  }
}

// --- batches -------------------------------------------------------------------------------------

TEST_CASE("a segment is the recording over its ramp, its past one sample earlier") {
  const Workshop shop;
  const NoteBatches batches(shop.corpus, synthetic_contract());
  const CorpusNote& note = shop.corpus.notes[4];
  const std::span<const float> audio = shop.corpus.audio(note);
  for (const int first : {0, 200, note.release_sample - 50}) {
    const WavenetBatch batch = batches.segment(4, first, 400, 0);
    std::vector<float> ramp(400);
    write_ramp(batches.analysis(4), 32, first, ramp);
    const float* target = batch.target.data_ptr<float>();
    const float* previous = batch.previous.data_ptr<float>();
    for (int t = 1; t < 400; ++t) {
      const float x = audio[static_cast<std::size_t>(first + t)];
      const float level = ramp[static_cast<std::size_t>(t)];
      // Where the ramp has barely left zero the quotient is held at full scale.
      REQUIRE(target[t] * level == Approx(std::clamp(x, -level, level)).margin(1e-6));
      REQUIRE(previous[t] == target[t - 1]);
    }
    CHECK((first == 0 ? previous[0] == 0.0F : previous[0] != 0.0F));
  }
}

TEST_CASE("splits are disjoint by note, and neighbours are never trained on") {
  const Workshop shop;
  const NoteBatches batches(shop.corpus, synthetic_contract());
  NoteBatchOptions options;
  options.segments = 4;
  options.segment_samples = 200;
  options.context_samples = 15;
  std::array<std::set<int>, 3> drawn;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    for (int step = 0; step < 300; ++step) {
      for (const int note : batches.notes(options, split, step)) {
        const CorpusNote& drawn_note = shop.corpus.notes[static_cast<std::size_t>(note)];
        REQUIRE(drawn_note.split == split);
        REQUIRE_FALSE(drawn_note.is_neighbour);
        drawn[static_cast<std::size_t>(split)].insert(note);
      }
    }
  }
  // Every note of the training split comes up in 1200 draws of 30 notes.
  const auto wanted =
      std::count_if(shop.corpus.notes.begin(), shop.corpus.notes.end(),
                    [](const CorpusNote& n) { return n.split == Split::train && !n.is_neighbour; });
  CHECK(static_cast<std::ptrdiff_t>(drawn[0].size()) == wanted);
}

TEST_CASE("a draw is a function of seed and step") {
  const Workshop shop;
  const NoteBatches batches(shop.corpus, synthetic_contract());
  NoteBatchOptions options;
  options.segments = 3;
  options.segment_samples = 200;
  options.context_samples = 15;
  const auto same = [](const WavenetBatch& a, const WavenetBatch& b) {
    return torch::equal(a.previous, b.previous) && torch::equal(a.target, b.target) &&
           torch::equal(a.rows, b.rows) && torch::equal(a.sample_features, b.sample_features);
  };
  const WavenetBatch batch = batches.draw(options, Split::train, 7);
  CHECK(same(batch, batches.draw(options, Split::train, 7)));
  CHECK_FALSE(same(batch, batches.draw(options, Split::train, 8)));
  options.seed = 2;
  CHECK_FALSE(same(batch, batches.draw(options, Split::train, 7)));
}

// --- runs ----------------------------------------------------------------------------------------

TEST_CASE("thirty steps lower the loss on held-out notes, and the voice is one that plays") {
  const Workshop shop;
  nlohmann::json recipe = synthetic_recipe();
  recipe["training"]["steps"] = 30;
  TrainingRun run = shop.run("learns");
  std::vector<double> validation;
  run.progress = [&](const TrainingProgress& p) { validation.push_back(p.validation_loss); };
  REQUIRE(shop.train(recipe, run));
  REQUIRE(validation.size() >= 2);
  // From step 5 to step 30 it falls by 0.44 nats; chance moves it by hundredths.
  CHECK(validation.back() < validation.front() - 0.3);
  const VoiceFile voice = open_voice(run.voice.string());
  CHECK(compile_step_plan(voice).layer_count() == 4);
  CHECK(voice.description->at("training").at("steps") == 30);
  CHECK(voice.description->at("training").at("corpus").at("licence") == "CC0-1.0");
}

TEST_CASE("a run that stopped and went on ends with the bits of one that did not") {
  const Workshop shop;
  const nlohmann::json recipe = synthetic_recipe();
  REQUIRE(shop.train(recipe, shop.run("straight")));
  TrainingRun first = shop.run("twice");
  first.stop_after_steps = 5;
  REQUIRE_FALSE(shop.train(recipe, first));
  CHECK_FALSE(std::filesystem::exists(first.voice));
  TrainingRun second = shop.run("twice");
  second.resume = true;
  REQUIRE(shop.train(recipe, second));
  const std::string straight = bytes_of(shop.run("straight").voice);
  CHECK(straight.size() > 1000);
  CHECK((bytes_of(second.voice) == straight));  // in brackets: a difference is not worth printing
  // So does the log's running mean, which would else begin anew with the step after the stop.
  const auto last_loss = [](const TrainingRun& run) {
    const std::string log = bytes_of(run.work_folder / "log.jsonl");
    const std::string line = log.substr(log.rfind('\n', log.size() - 2) + 1);
    return nlohmann::json::parse(line).at("loss").get<double>();
  };
  CHECK(last_loss(second) == last_loss(shop.run("straight")));

  SECTION("and so does one that fine-tunes from a checkpoint") {
    TrainingRun whole = shop.run("tuned");
    whole.start_from = first.work_folder / "checkpoint.pt";
    REQUIRE(shop.train(recipe, whole));
    TrainingRun part = shop.run("tuned_twice");
    part.start_from = whole.start_from;
    part.stop_after_steps = 4;
    REQUIRE_FALSE(shop.train(recipe, part));
    TrainingRun rest = shop.run("tuned_twice");
    rest.resume = true;
    REQUIRE(shop.train(recipe, rest));
    CHECK((bytes_of(rest.voice) == bytes_of(whole.voice)));
    CHECK((bytes_of(rest.voice) != straight));
  }
}

TEST_CASE("checkpoints of another recipe, cut short or absent are refused in one line each") {
  const Workshop shop;
  TrainingRun run = shop.run("work");
  run.stop_after_steps = 2;
  shop.train(synthetic_recipe(), run);
  const auto checkpoint = run.work_folder / "checkpoint.pt";
  const std::string whole = bytes_of(checkpoint);
  run.resume = true;

  nlohmann::json other = synthetic_recipe();
  other["training"]["learning_rate"] = 0.02;
  check_contains(message_of(ErrorCode::bad_input, [&] { shop.train(other, run); }),
                 {"checkpoint.pt", "training"});

  for (const std::size_t size : {whole.size() / 2, whole.size() - 1, std::size_t{10}}) {
    write_text(checkpoint, whole.substr(0, size));
    const std::string message =
        message_of(ErrorCode::bad_input, [&] { shop.train(synthetic_recipe(), run); });
    check_contains(message, {"checkpoint.pt", "expected a checkpoint"});
    CHECK(message.find('\n') == std::string::npos);
  }
  std::filesystem::remove(checkpoint);
  check_contains(message_of(ErrorCode::io, [&] { shop.train(synthetic_recipe(), run); }),
                 {"checkpoint.pt"});
}

TEST_CASE("a loss that is not finite stops the run, names the step, and leaves the checkpoint") {
  const Workshop shop;
  TrainingRun run = shop.run("work");
  run.stop_after_steps = 3;
  shop.train(synthetic_recipe(), run);
  const std::string before = bytes_of(run.work_folder / "checkpoint.pt");
  nlohmann::json wild = synthetic_recipe();
  wild["training"]["learning_rate"] = 1e30;
  wild["training"]["warmup_steps"] = 0;
  run.stop_after_steps = -1;
  const std::string message = message_of(ErrorCode::bad_input, [&] { shop.train(wild, run); });
  check_contains(message, {"training step 1:", "not finite", "notes "});
  CHECK((bytes_of(run.work_folder / "checkpoint.pt") == before));
  CHECK_FALSE(std::filesystem::exists(run.voice));
}

TEST_CASE("NaN in a corpus is refused when it is written and when it is read") {
  Workshop shop;
  NoteCorpusWriter writer(shop.folder.path() / "other", kSyntheticRateHz);
  const std::vector<float> bad = {0.0F, 0.1F, std::nanf("")};
  check_contains(message_of(ErrorCode::bad_input, [&] { writer.add({}, bad); }), {"sample 2"});

  const auto audio = shop.folder.path() / "corpus" / "audio.f32";
  std::string bytes = bytes_of(audio);
  const float nan = std::nanf("");
  const auto at = static_cast<std::size_t>(shop.corpus.notes[3].first_sample + 17) * sizeof nan;
  std::memcpy(bytes.data() + at, &nan, sizeof nan);
  write_text(audio, bytes);
  shop.corpus = open_note_corpus(shop.folder.path() / "corpus");
  check_contains(
      message_of(ErrorCode::bad_input, [&] { shop.train(synthetic_recipe(), shop.run("work")); }),
      {"note 3", "sample 17"});
}

TEST_CASE("every configuration in samples/configs is accepted") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(ONDES_SOURCE_DIR) / "samples/configs")) {
    if (entry.path().extension() == ".json") {
      INFO(entry.path().filename().string());
      const nlohmann::json json = nlohmann::json::parse(bytes_of(entry.path()));
      if (json.at("features").at("kind") != "notes") {
        continue;  // test_adversarial_training_torch.cpp
      }
      if (json.at("network").contains("partials")) {
        const auto live = note_generator_recipe_from_json(json, entry.path().filename().string());
        CHECK(live.contract.instruments.size() == live.contract.programs.size());
        ++count;
        continue;
      }
      const VoiceRecipe recipe = voice_recipe_from_json(json, entry.path().filename().string());
      CHECK(recipe.contract.instruments.size() == recipe.contract.programs.size());
      ++count;
    }
  }
  CHECK(count > 0);
}

TEST_CASE("a recipe with a wrong or unknown field is refused by name") {
  const auto refused = [](const char* pointer, const nlohmann::json& value) {
    nlohmann::json recipe = synthetic_recipe();
    recipe[nlohmann::json::json_pointer(pointer)] = value;
    return message_of(ErrorCode::bad_input, [&] { voice_recipe_from_json(recipe, "r.json"); });
  };
  check_contains(refused("/training/steps", "many"), {"r.json", "steps"});
  check_contains(refused("/training/learning_rat", 0.1), {"r.json", "learning_rat"});
  check_contains(refused("/training/segment_samples", 15), {"segment_samples", "15 samples"});
  check_contains(refused("/network/taps", 9), {"r.json", "taps"});
  check_contains(refused("/level/step", 9), {"r.json", "step"});
  check_contains(refused("/trainin", 9), {"r.json", "trainin"});
}

TEST_CASE("a soundfont that is not there is one error with its name, and no corpus") {
  const TemporaryFolder folder;
  SoundfontCorpusSpec spec;
  spec.soundfont = folder.path() / "absent.sf2";
  spec.instruments = {{"piano", 0, 60, 61}};
  const std::string message = message_of(ErrorCode::io, [&] {
    make_soundfont_corpus(spec, folder.path() / "corpus", [](int, int) {});
  });
  check_contains(message, {"absent.sf2"});
  CHECK(folder.names().empty());
}
