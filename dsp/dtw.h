// Dynamic time warping of two feature sequences.
//
//   D[i][j] = c[i][j] + min(D[i-1][j-1], D[i][j-1], D[i-1][j]),   D[0][0] = c[0][0]
//   c[i][j] = sqrt(sum over columns k of (a[i][k] - b[j][k])^2)
//
// Steps (1,1), (0,1), (1,0), all of weight 1; of equal ways the one that stands first in this list
// is taken (the order of librosa.sequence.dtw). The path runs from (0,0) to (A-1,B-1).
//
// `dtw` is exact over all cells of the band. It computes costs and sums in float, 8 or 16 rows at a
// time along the diagonal, keeps 2 bits a cell, and sums the cost of the path it found once more in
// double: the total is that of a real path, and exceeds the optimum by no more than the rounding of
// the recursion could hide (measured: below 1e-6 of it; the bound is (A + B) * 2^-23).
// `dtw_double` is its judge: the formula above in double, a full matrix, nothing else.
// `fast_dtw` is the approximation of S. Salvador and P. Chan ("FastDTW: toward accurate dynamic time
// warping in linear time and space", 2004) with the choices of the Python package `fastdtw`, which
// ESPnet and pymcd align with: the same path, ties included.
//
// Shapes: A frames of `a`, B of `b`, the same number of channels; c (A,B) row by row.
// Any thread; allocates. Infinite or NaN features throw Error{bad_input}, and sequences without
// frames, different channels or columns that are not there Error{usage}.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/views.h"

namespace ondes {

struct DtwOptions {
  // Columns [first_column, last_column) of the features count; 0: all from first_column on.
  int first_column = 0;
  int last_column = 0;
  // Sakoe and Chiba's band: |j - i (B-1)/(A-1)| <= band_frames, widened to one slope and a frame
  // where less would tear the path. 0: all cells.
  std::int64_t band_frames = 0;
  // Refused above (Error{usage}); 2 bits a cell are kept: 2^32 cells are a gigabyte.
  std::int64_t max_cells = std::int64_t{1} << 32;
};

struct DtwStep {
  std::int32_t a = 0;
  std::int32_t b = 0;
  friend bool operator==(const DtwStep&, const DtwStep&) = default;
};

struct DtwAlignment {
  double total_cost = 0.0;  // sum of c over the path
  std::vector<DtwStep> path;
  std::int64_t cells = 0;  // that were evaluated

  double mean_cost() const { return total_cost / static_cast<double>(path.size()); }
  // By the path's length in frames of both: what unit weights make comparable between pairs.
  double cost_per_frame_of_both() const {
    return total_cost / static_cast<double>(path.back().a + path.back().b + 2);
  }
};

DtwAlignment dtw(ConstFrames a, ConstFrames b, const DtwOptions& options = {});

// The same over costs that the caller made. Columns do not apply. Throws Error{usage} unless
// costs.size() == a_frames * b_frames.
DtwAlignment dtw_of_costs(std::span<const float> costs,
                          int a_frames,
                          int b_frames,
                          const DtwOptions& options = {});

DtwAlignment dtw_double(ConstFrames a, ConstFrames b, const DtwOptions& options = {});

// The band and the limit of `options` do not apply: cells are about (8 radius + 14) * max(A, B).
// Throws Error{usage} for a radius below 1.
DtwAlignment fast_dtw(ConstFrames a, ConstFrames b, int radius = 1, const DtwOptions& options = {});

}  // namespace ondes
