// ondes-train from outside: help, exit codes, interruption, and a whole small training.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <set>

#include "dsp/audio_file.h"
#include "engine/weights/voice_file.h"
#include "tests/support/program.h"
#include "tests/support/synthetic_notes.h"

using namespace ondes;

namespace {

struct TrainRig {
  TemporaryFolder folder;

  TrainRig() { write_synthetic_corpus(folder.path() / "corpus"); }

  void recipe(const nlohmann::json& json) const {
    std::ofstream(folder.file("recipe.json")) << json.dump();
  }
  ProgramResult run(const std::vector<std::string>& arguments,
                    const std::string& interrupt_after = "") const {
    return run_built("ondes-train", arguments, folder, {.interrupt_after = interrupt_after});
  }
  ProgramResult train(const std::vector<std::string>& more = {},
                      const std::string& interrupt_after = "") const {
    std::vector<std::string> arguments = {"wavenet",  "--config", "recipe.json",
                                          "--corpus", "corpus",   "--work",
                                          "work",     "-o",       "out.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, interrupt_after);
  }
};

// A note of 44.1 kHz in stereo: half a second held, then dying away.
void write_recording(const std::string& path, int key, double amplitude) {
  constexpr int kRateHz = 44100;
  SyntheticNote note;
  note.pitch_semitones = static_cast<float>(key);
  const double hz = synthetic_hz(note);
  std::vector<float> samples;
  for (int n = 0; n < kRateHz; ++n) {
    const double t = static_cast<double>(n) / kRateHz;
    const double envelope = std::exp(-std::max(0.0, t - 0.5) / 0.05);
    const auto x = static_cast<float>(
        amplitude * envelope *
        (std::sin(2.0 * M_PI * hz * t) + kSecondHarmonic * std::sin(4.0 * M_PI * hz * t)));
    samples.insert(samples.end(), {x, x});
  }
  AudioWriteOptions options;
  options.sample_rate_hz = kRateHz;
  options.channels = 2;
  AudioFileWriter writer(path, options);
  writer.write(ConstFrames(samples.data(), kRateHz, 2));
  writer.finish();
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  INFO("expected: " << part);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("help lists the subcommands, and each one its options") {
  const TrainRig rig;
  const ProgramResult help = rig.run({"--help"});
  CHECK(help.exit_code == 0);
  for (const char* command : {"corpus", "wavenet", "evaluate"}) {
    contains(help.out, command);
    const ProgramResult each = rig.run({command, "--help"});
    CHECK(each.exit_code == 0);
    contains(each.out, "--");
  }
}

TEST_CASE("exit codes tell usage, bad input and missing files apart") {
  const TrainRig rig;
  CHECK(rig.run({}).exit_code == 2);
  CHECK(rig.run({"wavenet", "--no-such-option"}).exit_code == 2);
  CHECK(rig.run({"wavenet"}).exit_code == 2);

  const ProgramResult absent = rig.train();  // no recipe.json yet
  CHECK(absent.exit_code == 4);
  contains(absent.err, "recipe.json");

  nlohmann::json recipe = synthetic_recipe();
  recipe["training"]["steps"] = "many";
  rig.recipe(recipe);
  const ProgramResult bad = rig.train();
  CHECK(bad.exit_code == 3);
  contains(bad.err, "recipe.json");
  contains(bad.err, "steps");

  std::ofstream(rig.folder.file("recipe.json")) << "{";
  CHECK(rig.train().exit_code == 3);

  rig.recipe(synthetic_recipe());
  const ProgramResult no_checkpoint = rig.train({"--resume"});
  CHECK(no_checkpoint.exit_code == 4);
  contains(no_checkpoint.err, "checkpoint.pt");
  CHECK_FALSE(std::filesystem::exists(rig.folder.file("out.safetensors")));

  const ProgramResult no_such = rig.train({"--device", "abacus"});
  CHECK(no_such.exit_code == 2);
  contains(no_such.err, "abacus");
  CHECK(rig.train({"--device", "cuda:99"}).exit_code == 5);
}

TEST_CASE("a training from corpus to voice, on the command line") {
  const TrainRig rig;
  rig.recipe(synthetic_recipe());
  const ProgramResult result = rig.train();
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.out.empty());  // data only on stdout, and there is none
  contains(result.err, "step 10 of 10");
  contains(result.err, "wrote out.safetensors");
  CHECK(open_voice(rig.folder.file("out.safetensors")).name == "sines");
  // The log is JSON, a line a report.
  std::ifstream log(rig.folder.file("work/log.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(log, line); ++lines) {
    CHECK(nlohmann::json::parse(line).contains("loss"));
  }
  CHECK(lines == 2);
}

TEST_CASE("a folder of recordings becomes a corpus by the sample configuration") {
  const TrainRig rig;
  std::filesystem::create_directory(rig.folder.path() / "recordings");
  for (const std::string instrument : {"flute", "clarinet"}) {
    for (const int key : {60, 64, 67}) {
      for (const int velocity : {50, 100}) {
        const std::string name =
            instrument + "_" + std::to_string(key) + "_" + std::to_string(velocity) + ".wav";
        write_recording(rig.folder.file("recordings/" + name), key, 0.004 * velocity);
      }
    }
  }
  write_recording(rig.folder.file("recordings/tuba_40_100.wav"), 40, 0.4);  // not in the list
  std::ofstream(rig.folder.file("recordings/readme.txt")) << "not sound";
  const std::string config = ONDES_SOURCE_DIR "/samples/configs/recordings.json";
  const ProgramResult result = rig.run({"corpus", "--config", config, "-o", "made"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  contains(result.err, "tuba_40_100.wav: its instrument tuba is not in the list");
  contains(result.err, "12 notes used, 1 left out");
  CHECK(result.err.find("warning") == std::string::npos);  // all in tune
  const NoteCorpus corpus = open_note_corpus(rig.folder.path() / "made");
  CHECK(corpus.sample_rate_hz == 24000);
  CHECK(corpus.instruments.at(1).name == "clarinet");
  std::set<Split> splits;
  for (const CorpusNote& note : corpus.notes) {
    splits.insert(note.split);
    CHECK(note.samples > 24000 / 2);  // held for half a second, whatever the file's rate
  }
  CHECK(corpus.notes.size() == 12);
  CHECK(splits.size() == 3);
  CHECK(rig.folder.names() == std::vector<std::string>{"corpus", "made", "recordings"});
}

TEST_CASE("a configuration or a corpus that is no JSON is one error with its name and place") {
  const TrainRig rig;
  std::ofstream(rig.folder.file("recipe.json")) << "{\"name\": \"a\", \"name\": \"b\"}";
  const ProgramResult twice = rig.train();
  CHECK(twice.exit_code == 3);
  contains(twice.err, "ondes-train: recipe.json: field 'name': expected once, found twice");

  rig.recipe(synthetic_recipe());
  const std::string index = rig.folder.file("corpus/corpus.json");
  nlohmann::json corpus = nlohmann::json::parse(read_text(index));
  corpus["notes"][3]["velocity"] = "loud";
  std::ofstream(index) << corpus;
  const ProgramResult loud = rig.train();
  CHECK(loud.exit_code == 3);
  contains(loud.err, "corpus/corpus.json: notes[3]: field 'velocity': expected");
  std::ofstream(index) << "{\"notes\": ";
  const ProgramResult broken = rig.train();
  CHECK(broken.exit_code == 3);
  contains(broken.err, "corpus/corpus.json: expected JSON, found an error at byte");
  for (const ProgramResult& result : {twice, loud, broken}) {
    CHECK(result.err.find("json.exception") == std::string::npos);
  }
}

TEST_CASE("refusals of the command line carry the program's name; NaN is no temperature") {
  const TrainRig rig;
  CHECK(rig.run({"wavenet"}).err.starts_with("ondes-train: "));
  const ProgramResult nan = rig.run(
      {"evaluate", "--voice", "v.safetensors", "--corpus", "corpus", "--temperature", "nan"});
  CHECK(nan.exit_code == 2);
  contains(nan.err, "--temperature");
}

TEST_CASE("an interrupted training ends with 130 and goes on from its checkpoint") {
  const TrainRig rig;
  nlohmann::json recipe = synthetic_recipe();
  recipe["training"]["steps"] = 400;
  recipe["training"]["validate_every"] = 4;
  rig.recipe(recipe);
  const ProgramResult stopped = rig.train({}, "step 4 of");
  INFO(stopped.err);
  REQUIRE(stopped.exit_code == 130);
  contains(stopped.err, "--resume");
  CHECK_FALSE(std::filesystem::exists(rig.folder.file("out.safetensors")));
  REQUIRE(std::filesystem::exists(rig.folder.file("work/checkpoint.pt")));

  const ProgramResult finished = rig.train({"--resume"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  CHECK(finished.err.find("step 4 of") == std::string::npos);  // not from the start

  const ProgramResult straight = rig.train({"--work", "other", "-o", "straight.safetensors"});
  CHECK(straight.exit_code == 2);  // an option given twice
}

TEST_CASE("interrupting a training of wide layers does no harm to the heap") {
  // The widths at which oneDNN's kernels keep their workspace where a handler's frame would go:
  // without models/wavenet/wavenet_stack_torch.cpp's guard one such run in four ended in abort().
  const TrainRig rig;
  nlohmann::json recipe = synthetic_recipe();
  recipe["network"]["residual_channels"] = 48;
  recipe["network"]["gate_channels"] = 48;
  recipe["network"]["skip_channels"] = 96;
  recipe["network"]["dilations"] = {1, 2, 4, 8, 16, 32};
  recipe["training"]["segment_samples"] = 1536;
  recipe["training"]["steps"] = 4000;
  recipe["training"]["validate_every"] = 2;
  rig.recipe(recipe);
  for (int i = 0; i < 4; ++i) {
    const ProgramResult result = rig.train({"--force"}, "step 2 of");
    INFO(result.err);
    REQUIRE(result.exit_code == 130);
  }
}

TEST_CASE("a checkpoint is gone on from or, by --force, replaced; never in silence") {
  const TrainRig rig;
  rig.recipe(synthetic_recipe());
  std::filesystem::create_directory(rig.folder.path() / "work");
  std::ofstream(rig.folder.file("work/checkpoint.pt")) << "many days";
  const ProgramResult refused = rig.train();
  CHECK(refused.exit_code == 4);
  contains(refused.err, "work/checkpoint.pt: an earlier run's checkpoint");
  contains(refused.err, "--resume");
  contains(refused.err, "--force");
  CHECK(read_text(rig.folder.file("work/checkpoint.pt")) == "many days");
  CHECK_FALSE(std::filesystem::exists(rig.folder.file("work/log.jsonl")));

  const ProgramResult forced = rig.train({"--force"});
  INFO(forced.err);
  REQUIRE(forced.exit_code == 0);
  contains(forced.err, "step 10 of 10");
  const std::string voice = read_text(rig.folder.file("out.safetensors"));

  SECTION("a voice that exists is not replaced without --force, whatever is asked for") {
    for (const char* how : {"--resume", "--export-only"}) {
      const ProgramResult again = rig.train({how});
      CHECK(again.exit_code == 4);
      contains(again.err, "out.safetensors: exists already; --force replaces it");
      CHECK(read_text(rig.folder.file("out.safetensors")) == voice);
    }
    // --resume with --force goes on, here from the last step: the log is not begun anew.
    const std::string log = read_text(rig.folder.file("work/log.jsonl"));
    CHECK(rig.train({"--resume", "--force"}).exit_code == 0);
    CHECK(read_text(rig.folder.file("work/log.jsonl")) == log);
    CHECK(read_text(rig.folder.file("out.safetensors")) == voice);
  }
}

TEST_CASE("a voice that could not be written is refused before the training, not after it") {
  const TrainRig rig;
  rig.recipe(synthetic_recipe());
  for (const std::string out :
       {"absent/out.safetensors", "/dev/full", "work", "/proc/x.safetensors"}) {
    std::filesystem::create_directory(rig.folder.path() / "work");
    const ProgramResult result = rig.run(
        {"wavenet", "--config", "recipe.json", "--corpus", "corpus", "--work", "work", "-o", out});
    CHECK(result.exit_code == 4);
    contains(result.err, out);
    CHECK(result.err.find("step") == std::string::npos);
    CHECK(std::filesystem::is_empty(rig.folder.path() / "work"));
  }
  const ProgramResult nowhere = rig.run({"wavenet", "--config", "recipe.json", "--corpus", "corpus",
                                         "--work", "recipe.json/work", "-o", "out.safetensors"});
  CHECK(nowhere.exit_code == 4);
  contains(nowhere.err, "recipe.json/work");
}

TEST_CASE("--threads may stand before or behind the subcommand, and is a number of threads") {
  const TrainRig rig;
  rig.recipe(synthetic_recipe());
  CHECK(rig.train({"--threads", "1"}).exit_code == 0);
  for (const char* wrong : {"-1", "many", "5000"}) {
    const ProgramResult result = rig.run({"--threads", wrong, "wavenet"});
    CHECK(result.exit_code == 2);
    contains(result.err, "--threads");
  }
}
