// ondes-train wavenet: trains a note voice, from corpus to voice file.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "apps/exit_codes.h"
#include "apps/train_commands.h"
#include "apps/train_run.h"
#include "engine/files/json_fields.h"
#include "models/training/wavenet_trainer.h"

namespace ondes {
namespace {

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
  const NoteCorpus corpus =
      corpus_for_training(json, arguments.config, arguments.work, arguments.corpus);
  TrainingRun run;
  run.work_folder = arguments.work;
  run.voice = arguments.out;
  run.resume = arguments.resume;
  run.export_only = arguments.export_only;
  run.start_from = arguments.start_from;
  run.device = arguments.device;
  print_training(&run);
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
