#include "dsp/subsequence_dtw.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr float kNever = std::numeric_limits<float>::max() / 4.0F;

struct Row {
  std::vector<float> cost;   // c[i][.]
  std::vector<float> total;  // D[i][.]
  std::vector<int> first;    // where the way to there began

  explicit Row(std::size_t size) : cost(size), total(size, kNever), first(size) {}
};

// Column by column, so that a whole row of costs is made without a gather.
std::vector<float> transposed(ConstFrames x) {
  std::vector<float> columns(static_cast<std::size_t>(x.frames() * x.channels()));
  const auto frames = static_cast<std::size_t>(x.frames());
  for (int t = 0; t < x.frames(); ++t) {
    for (std::size_t k = 0; k < x[t].size(); ++k) {
      columns[k * frames + static_cast<std::size_t>(t)] = x[t][k];
    }
  }
  return columns;
}

void make_costs(std::span<const float> query, const std::vector<float>& columns, Row& row) {
  const std::size_t frames = row.cost.size();
  float* const cost = row.cost.data();
  std::fill(row.cost.begin(), row.cost.end(), 0.0F);
  for (std::size_t k = 0; k < query.size(); ++k) {
    const float value = query[k];
    const float* const column = &columns[k * frames];
    for (std::size_t j = 0; j < frames; ++j) {
      const float difference = value - column[j];
      cost[j] += difference * difference;
    }
  }
  for (std::size_t j = 0; j < frames; ++j) {
    cost[j] = std::sqrt(cost[j]);
  }
}

void make_totals(const Row& before, const Row& two_before, Row& row) {
  for (std::size_t j = 0; j < row.cost.size(); ++j) {
    float best = kNever;
    int first = 0;
    const auto consider = [&](float total, int began) {
      if (total < best) {
        best = total;
        first = began;
      }
    };
    if (j >= 1) {
      consider(before.total[j - 1] + row.cost[j], before.first[j - 1]);
      consider(two_before.total[j - 1] + before.cost[j] + row.cost[j], two_before.first[j - 1]);
    }
    if (j >= 2) {
      consider(before.total[j - 2] + row.cost[j], before.first[j - 2]);
    }
    row.total[j] = best;
    row.first[j] = first;
  }
}

}  // namespace

SubsequenceMatch subsequence_dtw(ConstFrames query, ConstFrames within) {
  if (query.channels() != within.channels() || query.channels() < 1 || query.frames() < 1 ||
      query.frames() > 2 * within.frames() - 1) {
    throw Error(ErrorCode::usage,
                "subsequence_dtw: expected the same columns and a query of 1 to " +
                    std::to_string(2 * within.frames() - 1) + " frames, found " +
                    std::to_string(query.frames()) + " frames of " +
                    std::to_string(query.channels()) + " columns and " +
                    std::to_string(within.frames()) + " of " + std::to_string(within.channels()));
  }
  const auto size = static_cast<std::size_t>(within.frames());
  const std::vector<float> columns = transposed(within);
  Row two_before(size);
  Row before(size);
  Row row(size);
  for (int i = 0; i < query.frames(); ++i) {
    make_costs(query[i], columns, row);
    if (i == 0) {
      row.total = row.cost;
      for (std::size_t j = 0; j < size; ++j) {
        row.first[j] = static_cast<int>(j);
      }
    } else {
      make_totals(before, two_before, row);
    }
    std::swap(two_before, before);
    std::swap(before, row);
  }
  const auto end = std::min_element(before.total.begin(), before.total.end());
  const auto last = static_cast<std::size_t>(end - before.total.begin());
  return {static_cast<double>(*end) / query.frames(), before.first[last], static_cast<int>(last)};
}

}  // namespace ondes
