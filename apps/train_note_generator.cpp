// ondes-train note-generator: trains a live note voice, from corpus to voice file.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/train_commands.h"
#include "apps/train_run.h"
#include "engine/files/json_fields.h"
#include "models/training/note_generator_task.h"

namespace ondes {
namespace {

int train(const TrainOptions& options) {
  const nlohmann::json json = read_json_file(options.config);
  const NoteGeneratorRecipe recipe = note_generator_recipe_from_json(json, options.config);
  require_room_for_training(options);
  const NoteCorpus corpus = corpus_for_training(json, options);
  const TrainingRun run = training_run_of(options);
  const NoteGeneratorTask task(recipe, corpus, run.message);
  return report_training(options, train_adversarial(task, recipe.training, run));
}

}  // namespace

void add_train_note_generator_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand(
      "note-generator", "train a live note voice: partials and noise steered by a network");
  add_train_options(*command, options.get());
  add_corpus_option(*command, options.get());
  command->add_option("--from", options->start_from, "voice file to fine-tune");
  command->callback([options, &action] { action = [options] { return train(*options); }; });
}

}  // namespace ondes
