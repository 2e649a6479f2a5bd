// K-fold cross-validation of a training configuration: as many voices as folds, each trained on all
// notes but its fold's (models/training/note_folds.h) and measured on those. So every note of the
// corpus is judged by a voice that never heard it.
//
//   WORK/folds.json        what the folds were made with; another request is refused
//   WORK/fold-1/           checkpoint.pt, log.jsonl and voice.safetensors of the first fold, ...
//
// Resumes by itself: a fold with a voice is only measured, one with a checkpoint goes on from there.
//
// Main thread. Throws Error; interrupted, the checkpoint is written.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/training/note_corpus.h"
#include "models/training/note_evaluation.h"

namespace ondes {

struct FoldsRequest {
  std::string config;  // of a WaveNet or a note generator
  std::string corpus;
  std::string work;
  std::string device = "cpu";
  int folds = 5;
  std::uint64_t seed = 1;  // of the dealing
};

// Measures one voice on notes of a corpus.
using VoiceMeasure = std::function<std::vector<NoteFigures>(
    const std::string& voice, const NoteCorpus& corpus, const std::vector<int>& notes)>;

struct FoldsResult {
  std::vector<std::vector<NoteFigures>> figures;  // a fold each
  std::vector<InstrumentSummary> folds;           // of all instruments
  std::vector<InstrumentSummary> instruments;     // over all folds; the last one is all
};

FoldsResult cross_validate(const FoldsRequest& request,
                           const NoteCorpus& corpus,
                           const VoiceMeasure& measure);

}  // namespace ondes
