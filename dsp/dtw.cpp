#include "dsp/dtw.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>

#include "dsp/dtw_internal.h"
#include "engine/error.h"

namespace ondes {

namespace dtw_internal {

namespace {

void check_features(ConstFrames x, const char* name, Columns columns) {
  for (int t = 0; t < x.frames(); ++t) {
    for (int k = columns.first; k < columns.first + columns.count; ++k) {
      const float value = x[t][static_cast<std::size_t>(k)];
      if (!(std::abs(value) <= kLargestFeature)) {
        throw Error(ErrorCode::bad_input, std::string("DTW: features ") + name + ", frame " +
                                              std::to_string(t) + ", column " + std::to_string(k) +
                                              ": expected a number up to 1e15, found " +
                                              std::to_string(value));
      }
    }
  }
}

}  // namespace

Columns checked_columns(ConstFrames a, ConstFrames b, const DtwOptions& options) {
  if (a.frames() < 1 || b.frames() < 1) {
    throw Error(ErrorCode::usage, "DTW: expected two sequences of at least one frame, found " +
                                      std::to_string(a.frames()) + " and " +
                                      std::to_string(b.frames()) + " frames");
  }
  if (a.channels() != b.channels()) {
    throw Error(ErrorCode::usage, "DTW: expected features of one width, found " +
                                      std::to_string(a.channels()) + " and " +
                                      std::to_string(b.channels()) + " columns");
  }
  const int last = options.last_column == 0 ? a.channels() : options.last_column;
  if (options.first_column < 0 || last > a.channels() || options.first_column >= last) {
    throw Error(ErrorCode::usage,
                "DTW: expected columns within 0.." + std::to_string(a.channels()) + ", found " +
                    std::to_string(options.first_column) + ".." + std::to_string(last));
  }
  const Columns columns{options.first_column, last - options.first_column};
  check_features(a, "a", columns);
  check_features(b, "b", columns);
  return columns;
}

Band make_band(int a_frames, int b_frames, const DtwOptions& options) {
  if (options.band_frames < 0) {
    throw Error(ErrorCode::usage, "DTW: expected a band of 0 or more frames, found " +
                                      std::to_string(options.band_frames));
  }
  const auto rows = static_cast<std::size_t>(a_frames);
  Band band{std::vector<std::int32_t>(rows, 0), std::vector<std::int32_t>(rows, b_frames - 1), 0};
  if (options.band_frames > 0 && a_frames > 1) {
    const double slope = static_cast<double>(b_frames - 1) / static_cast<double>(a_frames - 1);
    // From row to row the band's centre moves by the slope; rows must touch.
    const double half =
        std::max(static_cast<double>(options.band_frames), std::ceil(slope / 2.0) + 1.0);
    for (std::size_t i = 0; i < rows; ++i) {
      const double centre = slope * static_cast<double>(i);
      band.low[i] = static_cast<std::int32_t>(std::max(0.0, std::ceil(centre - half)));
      band.high[i] = static_cast<std::int32_t>(
          std::min(static_cast<double>(b_frames - 1), std::floor(centre + half)));
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    band.cells += band.high[i] - band.low[i] + 1;
  }
  if (band.cells > options.max_cells) {
    throw Error(ErrorCode::usage, "DTW: expected at most " + std::to_string(options.max_cells) +
                                      " cells, found " + std::to_string(a_frames) + " x " +
                                      std::to_string(b_frames) + " frames with " +
                                      std::to_string(band.cells) + "; a band makes it fewer");
  }
  return band;
}

double distance(ConstFrames a, int i, ConstFrames b, int j, Columns columns) {
  const auto x = a[i];
  const auto y = b[j];
  double sum = 0.0;
  for (int k = columns.first; k < columns.first + columns.count; ++k) {
    const double difference = static_cast<double>(x[static_cast<std::size_t>(k)]) -
                              static_cast<double>(y[static_cast<std::size_t>(k)]);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

}  // namespace dtw_internal

namespace {

using dtw_internal::Band;
using dtw_internal::Columns;
using dtw_internal::Kernel;
using dtw_internal::KernelBlock;
using dtw_internal::kGroup;
using dtw_internal::kMaxRows;
using dtw_internal::kPadding;

// Where the codes of each block of rows begin, and of which step.
struct BlockCodes {
  std::size_t at = 0;
  int first_step = 0;
  int groups = 0;
};

class Recursion {
 public:
  Recursion(int a_frames, int b_frames, const DtwOptions& options)
      : kernel_(dtw_internal::kernel()),
        a_frames_(a_frames),
        band_(dtw_internal::make_band(a_frames, b_frames, options)),
        above_(static_cast<std::size_t>(b_frames + kPadding),
               std::numeric_limits<float>::infinity()) {
    std::size_t bytes = 0;
    for (int first = 0; first < a_frames_; first += kernel_.rows) {
      const auto last = static_cast<std::size_t>(std::min(first + kernel_.rows, a_frames_) - 1);
      BlockCodes block{bytes, band_.low[static_cast<std::size_t>(first)], 0};
      const int steps = band_.high[last] + kernel_.rows - block.first_step;
      block.groups = (steps + kGroup - 1) / kGroup;
      bytes += static_cast<std::size_t>(block.groups) * kGroup * step_bytes();
      blocks_.push_back(block);
    }
    // Not zeroed: every byte that is read is written before.
    codes_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
    above_[0] = 0.0F;  // the way into (0,0)
  }

  int rows() const { return kernel_.rows; }
  std::int64_t cells() const { return band_.cells; }

  // Calls fill(KernelBlock&, first row) for what is the caller's, then the kernel.
  template <class Fill>
  void run(bool of_features, const Fill& fill) {
    for (std::size_t n = 0; n < blocks_.size(); ++n) {
      const int first = static_cast<int>(n) * kernel_.rows;
      std::int32_t low[kMaxRows];
      std::int32_t high[kMaxRows];
      for (int r = 0; r < kMaxRows; ++r) {
        const auto row = static_cast<std::size_t>(first + r);
        const bool exists = r < kernel_.rows && first + r < a_frames_;
        low[r] = exists ? band_.low[row] + r : std::numeric_limits<std::int32_t>::max();
        high[r] = exists ? band_.high[row] + r : -1;
      }
      KernelBlock block;
      block.low = low;
      block.high = high;
      block.first_step = blocks_[n].first_step;
      block.groups = blocks_[n].groups;
      block.above = above_.data();
      block.codes = codes_.get() + blocks_[n].at;
      fill(block, first);
      (of_features ? kernel_.of_features : kernel_.of_costs)(block);
      above_[0] = std::numeric_limits<float>::infinity();
    }
  }

  std::vector<DtwStep> path(int b_frames) const {
    std::vector<DtwStep> path;
    path.reserve(static_cast<std::size_t>(a_frames_ + b_frames));
    DtwStep at{a_frames_ - 1, b_frames - 1};
    path.push_back(at);
    while (at.a > 0 || at.b > 0) {
      const auto [straight, above] = code(at);
      if (at.a == 0 || (straight && !above && at.b > 0)) {
        --at.b;
      } else if (at.b == 0 || straight) {
        --at.a;
      } else {
        --at.a;
        --at.b;
      }
      path.push_back(at);
    }
    std::reverse(path.begin(), path.end());
    return path;
  }

 private:
  std::size_t step_bytes() const { return 2 * static_cast<std::size_t>(kernel_.mask_bytes); }
  struct Code {
    bool straight = false;
    bool above = false;
  };
  Code code(DtwStep at) const {
    const int row = at.a % kernel_.rows;
    const BlockCodes& block = blocks_[static_cast<std::size_t>(at.a / kernel_.rows)];
    const std::uint8_t* step =
        codes_.get() + block.at +
        static_cast<std::size_t>(at.b + row - block.first_step) * step_bytes();
    const auto bit = [row](const std::uint8_t* mask) {
      return ((mask[row / 8] >> (row % 8)) & 1) != 0;
    };
    return {bit(step), bit(step + kernel_.mask_bytes)};
  }

  Kernel kernel_;
  int a_frames_;
  Band band_;
  std::vector<float> above_;
  std::vector<BlockCodes> blocks_;
  std::unique_ptr<std::uint8_t[]> codes_;
};

// b with time reversed, a column after the other, padded on both sides.
struct ReversedColumns {
  std::vector<float> values;
  std::int64_t stride = 0;
  std::int64_t last = 0;  // column j of row k stands at k * stride + last - j

  ReversedColumns(ConstFrames b, Columns columns) {
    stride = (b.frames() + 2 * kPadding + 15) / 16 * 16;
    if (stride % 32 == 0) {
      stride += 16;  // an odd number of cache lines: columns do not fall into one set of the cache
    }
    last = kPadding + b.frames() - 1;
    values.assign(static_cast<std::size_t>(stride * columns.count), 0.0F);
    for (int j = 0; j < b.frames(); ++j) {
      const auto frame = b[j];
      for (int k = 0; k < columns.count; ++k) {
        values[static_cast<std::size_t>(k * stride + last - j)] =
            frame[static_cast<std::size_t>(columns.first + k)];
      }
    }
  }
};

}  // namespace

DtwAlignment dtw(ConstFrames a, ConstFrames b, const DtwOptions& options) {
  const Columns columns = dtw_internal::checked_columns(a, b, options);
  Recursion recursion(a.frames(), b.frames(), options);
  const ReversedColumns reversed(b, columns);
  constexpr std::size_t kAlignment = 64;
  std::vector<float> memory(static_cast<std::size_t>(columns.count) * kMaxRows +
                            kAlignment / sizeof(float));
  void* aligned = memory.data();
  std::size_t space = memory.size() * sizeof(float);
  auto* rows = static_cast<float*>(std::align(kAlignment, space - kAlignment, aligned, space));
  recursion.run(true, [&](KernelBlock& block, int first) {
    for (int r = 0; r < std::min(recursion.rows(), a.frames() - first); ++r) {
      for (int k = 0; k < columns.count; ++k) {
        rows[k * kMaxRows + r] = a[first + r][static_cast<std::size_t>(columns.first + k)];
      }
    }
    block.a = rows;
    block.b = reversed.values.data();
    block.b_stride = reversed.stride;
    block.b_last = reversed.last;
    block.columns = columns.count;
  });
  DtwAlignment alignment{.path = recursion.path(b.frames()), .cells = recursion.cells()};
  for (const DtwStep& step : alignment.path) {
    alignment.total_cost += dtw_internal::distance(a, step.a, b, step.b, columns);
  }
  return alignment;
}

DtwAlignment dtw_of_costs(std::span<const float> costs,
                          int a_frames,
                          int b_frames,
                          const DtwOptions& options) {
  if (a_frames < 1 || b_frames < 1 ||
      std::ssize(costs) != static_cast<std::int64_t>(a_frames) * b_frames) {
    throw Error(ErrorCode::usage, "DTW: expected costs of " + std::to_string(a_frames) + " x " +
                                      std::to_string(b_frames) + " frames, found " +
                                      std::to_string(costs.size()));
  }
  constexpr float kLargestCost = 1e30F;
  const auto bad = std::find_if(costs.begin(), costs.end(),
                                [](float c) { return !(std::abs(c) <= kLargestCost); });
  if (bad != costs.end()) {
    throw Error(ErrorCode::bad_input, "DTW: cost " + std::to_string(bad - costs.begin()) +
                                          ": expected a number up to 1e30, found " +
                                          std::to_string(*bad));
  }
  Recursion recursion(a_frames, b_frames, options);
  recursion.run(false, [&](KernelBlock& block, int first) {
    block.costs = costs.data() + static_cast<std::ptrdiff_t>(first) * b_frames;
    block.cost_rows = std::min(recursion.rows(), a_frames - first);
    block.cost_columns = b_frames;
  });
  DtwAlignment alignment{.path = recursion.path(b_frames), .cells = recursion.cells()};
  for (const DtwStep& step : alignment.path) {
    alignment.total_cost += static_cast<double>(
        costs[static_cast<std::size_t>(step.a) * static_cast<std::size_t>(b_frames) +
              static_cast<std::size_t>(step.b)]);
  }
  return alignment;
}

}  // namespace ondes
