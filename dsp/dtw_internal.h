// What the parts of DTW share: checks, the band, the way back, and the vector kernel.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsp/dtw.h"

namespace ondes::dtw_internal {

// Larger features than this would overflow the squares.
inline constexpr float kLargestFeature = 1e15F;

struct Columns {
  int first = 0;
  int count = 0;
};

// Throws what dtw.h says.
Columns checked_columns(ConstFrames a, ConstFrames b, const DtwOptions& options);

// Columns [low, high] of each row that belong to the band.
struct Band {
  std::vector<std::int32_t> low;
  std::vector<std::int32_t> high;
  std::int64_t cells = 0;
};
Band make_band(int a_frames, int b_frames, const DtwOptions& options);

double distance(ConstFrames a, int i, ConstFrames b, int j, Columns columns);

// The most rows that a kernel takes at once.
inline constexpr int kMaxRows = 16;
// What is read, but not used, on either side of a row of `b` or of `above`.
inline constexpr int kPadding = kMaxRows + 8;
// Steps are made in groups of this size.
inline constexpr int kGroup = 4;

// `rows` rows (i0 .. i0 + rows - 1; the kernel's own number) along the diagonal: at step s, lane r
// stands in column s - r. For every lane, steps below `low` or above `high` are outside the band.
struct KernelBlock {
  const std::int32_t* low = nullptr;   // column + r, kMaxRows of them
  const std::int32_t* high = nullptr;  // low > high: no row
  int first_step = 0;
  int groups = 0;  // of kGroup steps

  // Features: a (columns, kMaxRows), and b reversed in time, (columns, b_stride): column j of row k
  // stands at b[k * b_stride + b_last - j].
  const float* a = nullptr;
  const float* b = nullptr;
  std::int64_t b_stride = 0;
  std::int64_t b_last = 0;
  int columns = 0;
  // Or costs, row i0's first.
  const float* costs = nullptr;
  int cost_rows = 0;  // that exist
  int cost_columns = 0;

  // above[j + 1] = D[i0 - 1][j] on entry and D[i0 + rows - 1][j] on return.
  float* above = nullptr;
  // 2 * mask_bytes a step: first the lanes that did not come diagonally, then of these the ones
  // that came from above.
  std::uint8_t* codes = nullptr;
};

struct Kernel {
  int rows = 0;
  int mask_bytes = 0;
  void (*of_features)(const KernelBlock&) noexcept = nullptr;
  void (*of_costs)(const KernelBlock&) noexcept = nullptr;
};
// The widest that this machine has.
Kernel kernel();

}  // namespace ondes::dtw_internal
