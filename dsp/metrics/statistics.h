// What a corpus of numbers says: mean, spread, and how sure one can be of the mean.
//
//   standard_deviation   sqrt(sum of (x - mean)^2 / (n - 1))
//   percentile(q)        linear between the order statistics: x[(n - 1) q / 100]  (numpy's default)
//   bootstrap interval   B resamples of n values with replacement, their means, and of these the
//                        percentiles (100 - C) / 2 and 100 - (100 - C) / 2, C = 95
//                        (percentile method; B. Efron, R. Tibshirani, "An Introduction to the
//                        Bootstrap", 1993, chapter 13)
//
// Draw i of resample b is a hash of (seed, b n + i): SplitMix64 (G. Steele, D. Lea, C. Flood,
// OOPSLA 2014) as a counter generator, scaled to 0 .. n-1 by the upper half of a 128-bit product.
// Same seed, same interval, on every machine.
//
// All throw Error{bad_input} for NaN and infinity. Any thread; the bootstrap allocates B numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace ondes {

struct BootstrapOptions {
  std::uint64_t seed = 0;
  int resamples = 10000;
  double confidence_percent = 95.0;
};

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

// Empty for no values.
std::optional<double> mean(std::span<const double> x);
std::optional<double> median(std::span<const double> x);
// Throws Error{usage} unless 0 <= percent <= 100.
std::optional<double> percentile(std::span<const double> x, double percent);
// Empty for fewer than two values.
std::optional<double> standard_deviation(std::span<const double> x);

// Of the mean. Empty for fewer than two values: one says nothing of its spread. Throws Error{usage}
// unless resamples >= 100 and 0 < confidence < 100.
std::optional<Interval> bootstrap_interval(std::span<const double> x,
                                           const BootstrapOptions& options = {});

// Of the mean of second[i] - first[i]: the same items, drawn together, so that what is hard for
// both systems does not widen the interval. It tells the systems apart where it leaves 0 out.
struct PairedBootstrap {
  std::optional<double> mean_difference;  // empty for no pairs
  std::optional<Interval> interval;       // empty for fewer than two
  bool differ() const { return interval && (interval->low > 0.0 || interval->high < 0.0); }
};
// Throws Error{usage} if the lengths differ.
PairedBootstrap paired_bootstrap(std::span<const double> first,
                                 std::span<const double> second,
                                 const BootstrapOptions& options = {});

}  // namespace ondes
