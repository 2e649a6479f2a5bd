// How far two sequences of numbers are apart, element by element: the comparator of tests that have
// a tolerance.
//
//   max over i of |found[i] - expected[i]|
//
// NaN for other lengths, and where a difference is none (NaN, infinity): no comparison with it
// holds, neither "less than a tolerance" nor "more than nothing".
#pragma once
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace ondes {

template <typename Found, typename Expected>
double largest_difference(const Found& found, const Expected& expected) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (std::size(found) != std::size(expected)) {
    return kNone;
  }
  double worst = 0.0;
  for (std::size_t i = 0; i < std::size(found); ++i) {
    const double difference =
        std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    if (!std::isfinite(difference)) {
      return kNone;
    }
    worst = std::max(worst, difference);
  }
  return worst;
}

}  // namespace ondes
