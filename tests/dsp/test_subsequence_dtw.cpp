#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/subsequence_dtw.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kColumns = 3;

std::vector<float> sequence(int frames, unsigned seed) {
  return test_noise(static_cast<std::size_t>(frames * kColumns), seed, 1.0F);
}

ConstFrames view(const std::vector<float>& x) {
  return {x.data(), static_cast<int>(x.size()) / kColumns, kColumns};
}

// Frames [first, last) of every `step`-th frame of x, each `repeats` times.
std::vector<float> cut(
    const std::vector<float>& x, int first, int last, int step = 1, int repeats = 1) {
  std::vector<float> y;
  for (int t = first; t < last; t += step) {
    for (int r = 0; r < repeats; ++r) {
      const auto begin = x.begin() + t * kColumns;
      y.insert(y.end(), begin, begin + kColumns);
    }
  }
  return y;
}

// The recursion of the header, in double, all cells kept.
double slow_cost(ConstFrames query, ConstFrames within) {
  const auto cost = [&](int i, int j) {
    double sum = 0.0;
    for (std::size_t k = 0; k < kColumns; ++k) {
      const double difference = static_cast<double>(query[i][k]) - within[j][k];
      sum += difference * difference;
    }
    return std::sqrt(sum);
  };
  constexpr double kNever = 1e30;
  std::vector<std::vector<double>> total(
      static_cast<std::size_t>(query.frames()),
      std::vector<double>(static_cast<std::size_t>(within.frames()), kNever));
  const auto at = [&](int i, int j) -> double {
    return i < 0 || j < 0 ? kNever
                          : total[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  };
  for (int i = 0; i < query.frames(); ++i) {
    for (int j = 0; j < within.frames(); ++j) {
      total[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] =
          i == 0 ? cost(i, j)
                 : std::min({at(i - 1, j - 1) + cost(i, j), at(i - 1, j - 2) + cost(i, j),
                             i < 2 ? kNever : at(i - 2, j - 1) + cost(i - 1, j) + cost(i, j)});
    }
  }
  const auto& last = total.back();
  return *std::min_element(last.begin(), last.end()) / query.frames();
}

}  // namespace

TEST_CASE("a piece is found where it was cut out, at no cost") {
  const std::vector<float> whole = sequence(200, 1);
  const std::vector<float> piece = cut(whole, 37, 80);
  const SubsequenceMatch match = subsequence_dtw(view(piece), view(whole));
  CHECK(match.mean_cost == 0.0);
  CHECK(match.first_frame == 37);
  CHECK(match.last_frame == 79);
}

TEST_CASE("a piece at twice and at half the tempo is found at its place") {
  const std::vector<float> whole = sequence(200, 2);
  const SubsequenceMatch fast = subsequence_dtw(view(cut(whole, 40, 100, 2)), view(whole));
  CHECK(fast.mean_cost == 0.0);
  CHECK(fast.first_frame == 40);
  CHECK(fast.last_frame == 98);
  // Slow: the piece's first frame counts once whatever repeats it, so the place is within a frame.
  const SubsequenceMatch slow = subsequence_dtw(view(cut(whole, 40, 70, 1, 2)), view(whole));
  CHECK(std::abs(slow.first_frame - 40) <= 1);
  CHECK(std::abs(slow.last_frame - 69) <= 1);
}

TEST_CASE("the fast recursion costs what the formula in double does") {
  for (const unsigned seed : {3U, 4U, 5U}) {
    const std::vector<float> query = sequence(23, seed);
    const std::vector<float> within = sequence(61, seed + 100);
    // Float sums of 23 costs of order 1: 23 roundings of 2^-24 each, relative.
    CHECK(subsequence_dtw(view(query), view(within)).mean_cost ==
          Approx(slow_cost(view(query), view(within))).epsilon(1e-5));
  }
}

TEST_CASE("a long query cannot hide in one fitting frame") {
  // One frame of `within` is the query's only frame repeated; the steps allow it twice at most.
  std::vector<float> query(30 * kColumns, 0.0F);
  std::vector<float> within(40 * kColumns, 1.0F);
  std::fill_n(within.begin() + 20 * kColumns, kColumns, 0.0F);
  const double mean_cost = subsequence_dtw(view(query), view(within)).mean_cost;
  CHECK(mean_cost >= std::sqrt(3.0) * 28.0 / 30.0 - 1e-6);
}

TEST_CASE("queries that do not fit are refused") {
  const std::vector<float> few = sequence(4, 1);
  const std::vector<float> many = sequence(8, 1);
  message_of(ErrorCode::usage, [&] { subsequence_dtw(view(many), view(few)); });
  message_of(ErrorCode::usage, [&] { subsequence_dtw({}, view(few)); });
  CHECK_NOTHROW(subsequence_dtw(view(cut(many, 0, 7)), view(few)));
}
