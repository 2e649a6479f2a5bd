// What the training subcommands of ondes-train have in common. Main thread.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "models/training/note_corpus.h"
#include "models/training/training_run.h"

namespace CLI {
class App;
}  // namespace CLI

namespace ondes {

struct TrainOptions {
  std::string config;
  std::string work;
  std::string corpus;  // of note voices
  std::string out;
  std::string device = "cpu";
  std::string start_from;  // the commands differ in what this may be, and add it themselves
  bool resume = false;
  bool export_only = false;
  bool force = false;
};

// --config --work --out --device --export-only --resume --force.
void add_train_options(CLI::App& command, TrainOptions* options);
void add_corpus_option(CLI::App& command, TrainOptions* options);

// Before the hours of work: throws Error{io} where the run could not write what it is for (a voice
// is a file in a folder that is there), would replace a voice without --force, or would begin anew,
// without --force, over the checkpoint of an earlier run.
void require_room_for_training(const TrainOptions& options);

// Progress and messages on stderr; signals end the run with a checkpoint.
TrainingRun training_run_of(const TrainOptions& options);

// What a run ends with: `written` is whether there is a voice. Returns the exit code.
int report_training(const TrainOptions& options, bool written);

// The corpus of --corpus, or in WORK/corpus, where the configuration's is made if it is not there.
NoteCorpus corpus_for_training(const nlohmann::json& recipe, const TrainOptions& options);

}  // namespace ondes
