// Trains a WaveNet note voice from a note corpus and writes it as a voice file.
//
// Everything is a function of the configuration and its seeds: data order, augmentation and
// initial weights. A run that is interrupted and resumed ends with the same bits on the CPU as one
// that was not. Set-up thread. Throws Error{bad_input} at the first non-finite loss, naming step
// and notes.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "models/training/note_corpus.h"
#include "models/training/voice_recipe.h"

namespace ondes {

struct TrainingProgress {
  std::int64_t step = 0;
  std::int64_t steps = 0;
  double loss = 0.0;             // nats a sample, running mean
  double validation_loss = 0.0;  // of the averaged weights; NaN until measured
  double samples_per_s = 0.0;
  double seconds_left = 0.0;
};

struct TrainingRun {
  std::filesystem::path work_folder;  // checkpoint.pt, log.jsonl
  std::filesystem::path voice;        // written at the end
  bool resume = false;
  bool export_only = false;  // writes the voice of the checkpoint as it stands, and trains nothing
  // A checkpoint of the same network whose weights a fresh run starts from (fine-tuning); its
  // configuration, optimizer and step count are not taken over. Empty: random weights.
  std::filesystem::path start_from;
  std::string device = "cpu";
  std::int64_t stop_after_steps = -1;        // checkpoint and return early; for tests of resuming
  bool (*interrupted)() noexcept = nullptr;  // asked after every step
  std::function<void(const TrainingProgress&)> progress;
  std::function<void(const std::string&)> message;
};

// True when the run reached its last step and the voice was written.
bool train_wavenet(const VoiceRecipe& recipe, const NoteCorpus& corpus, const TrainingRun& run);

}  // namespace ondes
