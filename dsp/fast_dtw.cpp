// The multi-level approximation of dsp/dtw.h: align at half the rate, then refine within `radius`
// cells of that path. What is not FastDTW's own but a choice of the Python package `fastdtw` 0.3.4:
// an odd last frame is dropped when halving; sequences of fewer than radius + 2 frames are aligned
// without a window; of equal ways, sums compared with the cell's cost added, the order is
// (i-1,j), (i,j-1), (i-1,j-1).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "dsp/dtw.h"
#include "dsp/dtw_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

struct Sequence {
  std::vector<double> values;  // frame after frame
  int frames = 0;
  int columns = 0;

  const double* frame(int t) const {
    return values.data() + static_cast<std::ptrdiff_t>(t) * columns;
  }
};

Sequence sequence_of(ConstFrames x, dtw_internal::Columns columns) {
  Sequence sequence{{}, x.frames(), columns.count};
  for (int t = 0; t < x.frames(); ++t) {
    for (int k = 0; k < columns.count; ++k) {
      sequence.values.push_back(
          static_cast<double>(x[t][static_cast<std::size_t>(columns.first + k)]));
    }
  }
  return sequence;
}

Sequence halved(const Sequence& x) {
  Sequence half{{}, x.frames / 2, x.columns};
  for (int t = 0; t < half.frames; ++t) {
    for (int k = 0; k < x.columns; ++k) {
      half.values.push_back((x.frame(2 * t)[k] + x.frame(2 * t + 1)[k]) / 2.0);
    }
  }
  return half;
}

double distance(const double* x, const double* y, int columns) {
  double sum = 0.0;
  for (int k = 0; k < columns; ++k) {
    const double difference = x[k] - y[k];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

// Columns [low, high] of each row.
struct Window {
  std::vector<int> low;
  std::vector<int> high;
};

Window whole_window(int a_frames, int b_frames) {
  const auto rows = static_cast<std::size_t>(a_frames);
  return {std::vector<int>(rows, 0), std::vector<int>(rows, b_frames - 1)};
}

// The cells whose half is within `radius` of the path, in rows and in columns.
Window expanded_window(const std::vector<DtwStep>& path, int a_frames, int b_frames, int radius) {
  const auto rows = static_cast<std::size_t>(a_frames);
  Window window{std::vector<int>(rows, b_frames - 1), std::vector<int>(rows, 0)};
  for (const DtwStep& step : path) {
    const int first = std::max(0, 2 * (step.a - radius));
    const int last = std::min(a_frames - 1, 2 * (step.a + radius) + 1);
    for (int row = first; row <= last; ++row) {
      const auto i = static_cast<std::size_t>(row);
      window.low[i] = std::min(window.low[i], std::max(0, 2 * (step.b - radius)));
      window.high[i] = std::max(window.high[i], std::min(b_frames - 1, 2 * (step.b + radius) + 1));
    }
  }
  return window;
}

DtwAlignment align_within(const Sequence& a, const Sequence& b, const Window& window) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr std::array<DtwStep, 3> kBack = {DtwStep{1, 0}, DtwStep{0, 1}, DtwStep{1, 1}};
  DtwAlignment alignment;
  std::vector<std::size_t> row_at;
  std::vector<std::uint8_t> choices;
  // One row of sums and the one before, column j at j + 1.
  std::vector<double> before(static_cast<std::size_t>(b.frames) + 1, kInfinity);
  std::vector<double> sums(before.size(), kInfinity);
  before[0] = 0.0;
  for (int i = 0; i < a.frames; ++i) {
    const int low = window.low[static_cast<std::size_t>(i)];
    const int high = window.high[static_cast<std::size_t>(i)];
    row_at.push_back(choices.size());
    std::fill(sums.begin(), sums.end(), kInfinity);
    for (int j = low; j <= high; ++j) {
      const auto column = static_cast<std::size_t>(j);
      const double cost = distance(a.frame(i), b.frame(j), a.columns);
      const std::array<double, 3> ways = {before[column + 1] + cost, sums[column] + cost,
                                          before[column] + cost};
      const auto best = std::min_element(ways.begin(), ways.end());
      sums[column + 1] = *best;
      choices.push_back(static_cast<std::uint8_t>(best - ways.begin()));
    }
    std::swap(before, sums);
  }
  alignment.total_cost = before.back();
  alignment.cells = std::ssize(choices);
  for (DtwStep at{a.frames - 1, b.frames - 1}; at.a >= 0 && at.b >= 0;) {
    alignment.path.push_back(at);
    const auto row = static_cast<std::size_t>(at.a);
    const DtwStep back =
        kBack[choices[row_at[row] + static_cast<std::size_t>(at.b - window.low[row])]];
    at = {at.a - back.a, at.b - back.b};
  }
  std::reverse(alignment.path.begin(), alignment.path.end());
  return alignment;
}

DtwAlignment align(const Sequence& a, const Sequence& b, int radius) {
  if (std::min(a.frames, b.frames) < radius + 2) {
    return align_within(a, b, whole_window(a.frames, b.frames));
  }
  const DtwAlignment coarse = align(halved(a), halved(b), radius);
  DtwAlignment fine = align_within(a, b, expanded_window(coarse.path, a.frames, b.frames, radius));
  fine.cells += coarse.cells;
  return fine;
}

}  // namespace

DtwAlignment fast_dtw(ConstFrames a, ConstFrames b, int radius, const DtwOptions& options) {
  if (radius < 1) {
    throw Error(ErrorCode::usage,
                "fast DTW: expected a radius of 1 or more, found " + std::to_string(radius));
  }
  const auto columns = dtw_internal::checked_columns(a, b, options);
  return align(sequence_of(a, columns), sequence_of(b, columns), radius);
}

}  // namespace ondes
