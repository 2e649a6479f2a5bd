// What the training subcommands of ondes-train have in common. Main thread.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "models/training/note_corpus.h"
#include "models/training/training_run.h"

namespace ondes {

// Progress and messages on stderr; signals end the run with a checkpoint.
void print_training(TrainingRun* run);

// The corpus in `corpus`, or in `work`/corpus, where the configuration's is made if it is not there.
NoteCorpus corpus_for_training(const nlohmann::json& recipe,
                               const std::string& config,
                               const std::string& work,
                               const std::string& corpus);

}  // namespace ondes
