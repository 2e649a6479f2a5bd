// The judge of dsp/dtw.h: the formula, in double, cell after cell.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "dsp/dtw.h"
#include "dsp/dtw_internal.h"

namespace ondes {

DtwAlignment dtw_double(ConstFrames a, ConstFrames b, const DtwOptions& options) {
  const auto columns = dtw_internal::checked_columns(a, b, options);
  const auto band = dtw_internal::make_band(a.frames(), b.frames(), options);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto width = static_cast<std::size_t>(b.frames());
  std::vector<double> sums(static_cast<std::size_t>(a.frames()) * width, kInfinity);
  const auto sum = [&](int i, int j) {
    return i < 0 || j < 0 ? kInfinity
                          : sums[static_cast<std::size_t>(i) * width + static_cast<std::size_t>(j)];
  };
  for (int i = 0; i < a.frames(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (int j = band.low[row]; j <= band.high[row]; ++j) {
      const double before =
          i == 0 && j == 0 ? 0.0 : std::min({sum(i - 1, j - 1), sum(i, j - 1), sum(i - 1, j)});
      sums[row * width + static_cast<std::size_t>(j)] =
          before + dtw_internal::distance(a, i, b, j, columns);
    }
  }
  DtwAlignment alignment;
  alignment.total_cost = sums.back();
  alignment.cells = band.cells;
  DtwStep at{a.frames() - 1, b.frames() - 1};
  alignment.path.push_back(at);
  while (at.a > 0 || at.b > 0) {
    const double diagonal = sum(at.a - 1, at.b - 1);
    const double left = sum(at.a, at.b - 1);
    const double above = sum(at.a - 1, at.b);
    if (diagonal <= std::min(left, above)) {
      at = {at.a - 1, at.b - 1};
    } else if (left <= above) {
      --at.b;
    } else {
      --at.a;
    }
    alignment.path.push_back(at);
  }
  std::reverse(alignment.path.begin(), alignment.path.end());
  return alignment;
}

}  // namespace ondes
