// What the report shows of one pair beside its numbers: pictures, paths and tracks. Computed anew
// from the files when it is wanted, so a corpus run keeps nothing of it.
//
// Any thread; allocates.
#pragma once
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "dsp/note_event.h"

namespace ondes {

// Decibels relative to the pair's common peak, limited to [-range_db, 0]. Both sounds of a pair
// share the scale and the sizes of cells, so their pictures can be laid over each other.
struct SpectrogramImage {
  int columns = 0;        // time
  int rows = 0;           // frequency, row 0 is 0 Hz
  std::vector<float> db;  // [column * rows + row]
  double column_s = 0.0;  // width of a column
  double row_hz = 0.0;    // height of a row
};

// Instants that dynamic time warping lays on each other.
struct WarpPoint {
  double reference_s = 0.0;
  double generated_s = 0.0;
};

struct F0Track {
  double hop_s = 0.0;
  std::vector<float> hz;  // 0: unvoiced
};

struct PairDetail {
  std::string failure;  // why there is nothing else; "" if there is
  int rate_hz = 0;      // of the sounds below
  // As measured: mono, at the common rate, trimmed and aligned.
  std::vector<float> reference;
  std::vector<float> generated;
  SpectrogramImage reference_image;
  SpectrogramImage generated_image;
  double range_db = 80.0;
  std::vector<WarpPoint> warp;  // of the mel-cepstra, thinned to a few hundred points
  F0Track reference_f0;
  F0Track generated_f0;
  double mfcc_hop_s = 0.0;
  std::vector<float> mfcc_distance;  // along time, frame by frame over the common length
  // Of a render and its score. Then there is no reference sound, and nothing that needs one.
  std::vector<NoteEvent> score_notes;
  std::vector<NoteEvent> heard_notes;  // our own blind transcription
};

struct DetailLimits {
  int max_columns = 800;
  int max_rows = 256;
  int max_warp_points = 400;
  int max_track_points = 2000;
};

// Never throws for a bad sound: that is PairDetail::failure.
PairDetail detail_of(const PairResult& pair,
                     const EvaluationPolicies& policies,
                     const DetailLimits& limits = {});

}  // namespace ondes
