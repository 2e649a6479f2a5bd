// ondes-train wavenet: trains a note voice, from corpus to voice file.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/train_commands.h"
#include "apps/train_run.h"
#include "engine/files/json_fields.h"
#include "models/training/wavenet_trainer.h"

namespace ondes {
namespace {

int train(const TrainOptions& options) {
  const nlohmann::json json = read_json_file(options.config);
  const VoiceRecipe recipe = voice_recipe_from_json(json, options.config);
  require_room_for_training(options);
  const NoteCorpus corpus = corpus_for_training(json, options);
  const TrainingRun run = training_run_of(options);
  return report_training(options, train_wavenet(recipe, corpus, run));
}

}  // namespace

void add_train_wavenet_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand("wavenet", "train a WaveNet note voice");
  add_train_options(*command, options.get());
  add_corpus_option(*command, options.get());
  command->add_option("--start-from", options->start_from,
                      "checkpoint whose weights a fresh run starts from");
  command->callback([options, &action] { action = [options] { return train(*options); }; });
}

}  // namespace ondes
