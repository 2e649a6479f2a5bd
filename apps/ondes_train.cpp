// ondes-train: makes corpora, trains voices, measures them. The only program that links LibTorch;
// `ondes train ...` runs it.
//
// Messages and progress on stderr, data on stdout, exit codes of apps/exit_codes.h.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "models/training/note_corpus.h"
#include "models/training/soundfont_corpus.h"
#include "models/training/wavenet_trainer.h"

namespace ondes {
namespace {

std::atomic<bool> g_interrupted{false};

nlohmann::json read_json(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) {
    throw Error(ErrorCode::io, path + ": cannot open");
  }
  try {
    return nlohmann::json::parse(stream);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::bad_input, path + ": " + e.what());
  }
}

SoundfontCorpusSpec soundfont_spec(const nlohmann::json& recipe, const std::string& file) {
  SoundfontCorpusSpec spec;
  try {
    const nlohmann::json& c = recipe.at("corpus");
    spec.soundfont = c.at("soundfont").get<std::string>();
    spec.soundfont_licence = c.at("soundfont_licence").get<std::string>();
    spec.sample_rate_hz = c.at("sample_rate").get<int>();
    spec.notes_per_key = c.value("notes_per_key", spec.notes_per_key);
    spec.shortest_s = c.value("shortest_s", spec.shortest_s);
    spec.longest_s = c.value("longest_s", spec.longest_s);
    spec.longest_release_s = c.value("longest_release_s", spec.longest_release_s);
    spec.bend_semitones = c.value("bend_semitones", spec.bend_semitones);
    spec.test_share = c.value("test_share", spec.test_share);
    spec.validation_share = c.value("validation_share", spec.validation_share);
    spec.seed = c.value("seed", spec.seed);
    for (const auto& i : c.at("instruments")) {
      spec.instruments.push_back({i.at("name").get<std::string>(), i.at("program").get<int>(),
                                  i.at("lowest_key").get<int>(), i.at("highest_key").get<int>()});
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::bad_input, file + ": corpus: " + e.what());
  }
  return spec;
}

void make_corpus(const nlohmann::json& recipe, const std::string& file,
                 const std::filesystem::path& folder) {
  make_soundfont_corpus(soundfont_spec(recipe, file), folder, [](int done, int total) {
    if (done % 50 == 0 || done == total) {
      std::fprintf(stderr, "corpus: %d of %d notes\n", done, total);
    }
  });
}

std::string time_left(double seconds) {
  char text[32];
  const auto s = static_cast<long>(seconds);
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  return text;
}

struct WavenetArguments {
  std::string config;
  std::string work;
  std::string corpus;
  std::string out;
  std::string device = "cpu";
  bool resume = false;
  int threads = 0;
};

int run_wavenet(const WavenetArguments& arguments) {
  const nlohmann::json json = read_json(arguments.config);
  const VoiceRecipe recipe = voice_recipe_from_json(json, arguments.config);
  const std::filesystem::path folder =
      arguments.corpus.empty() ? std::filesystem::path(arguments.work) / "corpus"
                               : std::filesystem::path(arguments.corpus);
  if (!std::filesystem::exists(folder / "corpus.json")) {
    make_corpus(json, arguments.config, folder);
  }
  const NoteCorpus corpus = open_note_corpus(folder);
  std::fprintf(stderr, "corpus: %zu notes, %.1f minutes\n", corpus.notes.size(),
               static_cast<double>(corpus.samples.size()) / corpus.sample_rate_hz / 60.0);
  TrainingRun run;
  run.work_folder = arguments.work;
  run.voice = arguments.out;
  run.resume = arguments.resume;
  run.device = arguments.device;
  run.interrupted = &g_interrupted;
  run.message = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  run.progress = [](const TrainingProgress& p) {
    std::fprintf(stderr, "step %lld of %lld  loss %.4f  validation %.4f  %.0f samples/s  %s left\n",
                 static_cast<long long>(p.step), static_cast<long long>(p.steps), p.loss,
                 p.validation_loss, p.samples_per_s, time_left(p.seconds_left).c_str());
  };
  if (train_wavenet(recipe, corpus, run)) {
    std::fprintf(stderr, "wrote %s\n", arguments.out.c_str());
  }
  return 0;
}

int main_or_throw(int argc, char** argv) {
  CLI::App app{"ondes-train: make corpora, train voices, measure them"};
  app.require_subcommand(1);
  int threads = 0;
  app.add_option("--threads", threads, "threads of LibTorch (default: all cores)");

  std::string config;
  std::string out;
  CLI::App* corpus = app.add_subcommand("corpus", "make a note corpus from a SoundFont");
  corpus->add_option("--config", config, "configuration (samples/configs/*.json)")->required();
  corpus->add_option("-o,--out", out, "folder to write")->required();

  WavenetArguments wavenet;
  CLI::App* train = app.add_subcommand("wavenet", "train a WaveNet note voice");
  train->add_option("--config", wavenet.config, "configuration (samples/configs/*.json)")
      ->required();
  train->add_option("--work", wavenet.work, "folder for corpus, checkpoints and log")->required();
  train->add_option("--corpus", wavenet.corpus, "note corpus (default: WORK/corpus, made if absent)");
  train->add_option("-o,--out", wavenet.out, "voice file to write")->required();
  train->add_option("--device", wavenet.device, "cpu or cuda");
  train->add_flag("--resume", wavenet.resume, "go on from WORK/checkpoint.pt");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (threads > 0) {
    at::set_num_threads(threads);
  }
  if (*corpus) {
    make_corpus(read_json(config), config, out);
    return 0;
  }
  return run_wavenet(wavenet);
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return 2;
    case ErrorCode::bad_input: return 3;
    case ErrorCode::io: return 4;
    case ErrorCode::no_device: return 5;
    case ErrorCode::threshold: return 6;
    case ErrorCode::interrupted: return 130;
  }
  return 3;
}

}  // namespace
}  // namespace ondes

int main(int argc, char** argv) {
  std::signal(SIGINT, [](int) { ondes::g_interrupted = true; });
  std::signal(SIGTERM, [](int) { ondes::g_interrupted = true; });
  try {
    return ondes::main_or_throw(argc, argv);
  } catch (const ondes::Error& e) {
    std::fprintf(stderr, "ondes-train: %s\n", e.what());
    return ondes::exit_code(e.code());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ondes-train: %s\n", e.what());
    return 3;
  }
}
