// Draws training segments from a note corpus: a pure function of (seed, step), so that a resumed
// run sees the same data in the same order, and no state needs saving.
#pragma once
#include <cstdint>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "models/training/note_analysis.h"
#include "models/training/note_corpus.h"
#include "models/wavenet/wavenet_torch.h"

namespace ondes {

struct NoteBatchOptions {
  int segments = 8;            // B
  int segment_samples = 2560;  // T
  int context_samples = 1022;  // samples at the start of a mid-note segment that carry no loss
  double onset_share = 0.25;   // of the segments begin at the note's onset,
  double release_share = 0.2;  // of the segments contain the release
  // Samples below this level carry no loss: there the recording is mostly its own noise floor, and
  // level normalisation would make that as important as the note.
  double quietest_rms = 0.0;
  // Augmentation of what the network sees as its own past, so that it learns to pull itself back
  // when free-running: noise of a standard deviation drawn up to input_noise, and a gain error.
  double input_noise = 0.004;
  double input_gain_deviation = 0.03;
  std::uint64_t seed = 1;
};

class NoteBatches {
 public:
  // Analyses every note (threads: all that LibTorch has). The corpus must outlive this. Throws
  // Error{bad_input} naming note and sample where the corpus holds NaN or Inf.
  NoteBatches(const NoteCorpus& corpus, const NoteContract& contract);

  WavenetBatch draw(const NoteBatchOptions& options, Split split, std::int64_t step) const;
  // The notes that draw() takes its segments from.
  std::vector<int> notes(const NoteBatchOptions& options, Split split, std::int64_t step) const;
  // Samples [first, first + samples) of one note, teacher-forced, without augmentation, as a batch
  // of one.
  WavenetBatch segment(int note, int first, int samples, int context_samples) const;

  // (row features, ln amplitude) of rows of a split's notes, for the level network.
  void level_examples(Split split, std::vector<float>* rows, std::vector<float>* targets) const;

  const NoteAnalysis& analysis(int note) const { return analyses_[static_cast<std::size_t>(note)]; }
  const NoteContract& contract() const { return contract_; }
  const NoteCorpus& corpus() const { return corpus_; }

 private:
  struct Place {
    int note = 0;
    int first = 0;
  };
  Place draw_place(const NoteBatchOptions& options, Split split, std::int64_t step, int b) const;
  void fill(const Place& place, const NoteBatchOptions& options, int b, WavenetBatch* batch) const;
  void write_note_row(const CorpusNote& note, int at, std::span<float> row) const;

  const NoteCorpus& corpus_;
  NoteContract contract_;
  std::vector<NoteAnalysis> analyses_;
  std::vector<std::vector<std::vector<int>>> by_split_;  // split, instrument -> notes
};

}  // namespace ondes
