// ondes-train wavenet: trains a note voice, from corpus to voice file.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/train_commands.h"
#include "engine/files/json_fields.h"
#include "models/training/note_corpus.h"
#include "models/training/wavenet_trainer.h"

namespace ondes {
namespace {

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
  std::string start_from;
  bool resume = false;
  bool export_only = false;
};

int train(const WavenetArguments& arguments) {
  const nlohmann::json json = read_json_file(arguments.config);
  const VoiceRecipe recipe = voice_recipe_from_json(json, arguments.config);
  const std::filesystem::path folder = arguments.corpus.empty()
                                           ? std::filesystem::path(arguments.work) / "corpus"
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
  run.export_only = arguments.export_only;
  run.start_from = arguments.start_from;
  run.device = arguments.device;
  run.interrupted = &interrupted;
  run.message = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  run.progress = [](const TrainingProgress& p) {
    std::fprintf(stderr, "step %lld of %lld  loss %.4f  validation %.4f  %.0f samples/s  %s left\n",
                 static_cast<long long>(p.step), static_cast<long long>(p.steps), p.loss,
                 p.validation_loss, p.samples_per_s, time_left(p.seconds_left).c_str());
  };
  if (train_wavenet(recipe, corpus, run)) {
    std::fprintf(stderr, "wrote %s\n", arguments.out.c_str());
  }
  return kExitDone;
}

}  // namespace

void add_train_wavenet_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<WavenetArguments>();
  CLI::App* command = app.add_subcommand("wavenet", "train a WaveNet note voice");
  command->add_option("--config", arguments->config, "configuration (samples/configs/*.json)")
      ->required();
  command->add_option("--work", arguments->work, "folder for corpus, checkpoints and log")
      ->required();
  command->add_option("--corpus", arguments->corpus,
                      "note corpus (default: WORK/corpus, made if absent)");
  command->add_option("-o,--out", arguments->out, "voice file to write")->required();
  command->add_option("--device", arguments->device, "cpu or cuda");
  command->add_flag("--export-only", arguments->export_only,
                    "write the voice of WORK/checkpoint.pt and train nothing");
  command->add_option("--start-from", arguments->start_from,
                      "checkpoint whose weights a fresh run starts from");
  command->add_flag("--resume", arguments->resume, "go on from WORK/checkpoint.pt");
  command->callback([arguments, &action] { action = [arguments] { return train(*arguments); }; });
}

}  // namespace ondes
