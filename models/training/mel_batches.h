// Draws training segments of recordings with their mel frames: a pure function of (seed, step), so
// that a resumed run sees the same data in the same order and no state needs saving.
//
// Frames are those of the whole recording: a segment's edges are not mirrored where the recording
// goes on. Set-up thread.
#pragma once
#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dsp/log_mel.h"
#include "engine/conditioning/mel_contract.h"
#include "models/training/clip_corpus.h"

namespace ondes {

struct MelBatchOptions {
  int segments = 16;           // B
  int segment_samples = 8192;  // T, a multiple of the hop
  std::uint64_t seed = 1;
};

struct MelBatch {
  torch::Tensor mel;    // (B, bands, T / hop)
  torch::Tensor audio;  // (B, T)
};

class MelBatches {
 public:
  // The corpus must outlive this. Throws Error{bad_input} if no clip of a split is as long as a
  // segment, Error{usage} if the contract needs whole recordings (top_db) or T is no multiple.
  MelBatches(const ClipCorpus& corpus, const MelContract& contract, const MelBatchOptions& options);

  MelBatch draw(Split split, std::int64_t step) const;
  // What draw() takes its segments from: "LJ001-0002.wav at 4096, ...".
  std::string names(Split split, std::int64_t step) const;
  int clips(Split split) const;  // long enough to be drawn

 private:
  struct Place {
    std::size_t clip = 0;
    std::int64_t first_frame = 0;
  };
  // Clips of one split by how many places for a segment they have, summed.
  struct Side {
    std::vector<std::size_t> clips;
    std::vector<std::int64_t> places_up_to;
  };
  const Side& side(Split split) const { return split == Split::train ? train_ : validation_; }
  Place draw_place(Split split, std::int64_t step, int segment) const;
  void fill(const Place& place, torch::Tensor mel, torch::Tensor audio) const;

  const ClipCorpus& corpus_;
  MelContract contract_;
  MelBatchOptions options_;
  int frames_;  // of a segment
  std::unique_ptr<LogMel> analysis_;
  Side train_;
  Side validation_;
};

}  // namespace ondes
