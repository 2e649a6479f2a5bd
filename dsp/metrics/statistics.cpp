#include "dsp/metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dsp/metrics/finite_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

std::uint64_t splitmix64(std::uint64_t seed, std::uint64_t counter) {
  std::uint64_t z = seed + (counter + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// The upper 64 bits of a * b, from 32-bit halves: exact, without a 128-bit type.
std::uint64_t upper_product(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a_low = a & 0xFFFFFFFFU;
  const std::uint64_t a_high = a >> 32;
  const std::uint64_t b_low = b & 0xFFFFFFFFU;
  const std::uint64_t b_high = b >> 32;
  const std::uint64_t middle = a_high * b_low + ((a_low * b_low) >> 32);
  const std::uint64_t other = a_low * b_high + (middle & 0xFFFFFFFFU);
  return a_high * b_high + (middle >> 32) + (other >> 32);
}

double mean_of(std::span<const double> x) {
  double sum = 0.0;
  for (const double value : x) {
    sum += value;
  }
  return sum / static_cast<double>(x.size());
}

// `sorted` ascending and not empty.
double sorted_percentile(std::span<const double> sorted, double percent) {
  const double place = static_cast<double>(sorted.size() - 1) * percent / 100.0;
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<double> mean(std::span<const double> x) {
  require_finite<double>(x, "mean", "values");
  if (x.empty()) {
    return std::nullopt;
  }
  return mean_of(x);
}

std::optional<double> median(std::span<const double> x) {
  return percentile(x, 50.0);
}

std::optional<double> percentile(std::span<const double> x, double percent) {
  require_finite<double>(x, "percentile", "values");
  if (!(percent >= 0.0 && percent <= 100.0)) {
    throw Error(ErrorCode::usage,
                "percentile: expected 0 to 100, found " + std::to_string(percent));
  }
  if (x.empty()) {
    return std::nullopt;
  }
  std::vector<double> sorted(x.begin(), x.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted_percentile(sorted, percent);
}

std::optional<double> standard_deviation(std::span<const double> x) {
  require_finite<double>(x, "standard deviation", "values");
  if (x.size() < 2) {
    return std::nullopt;
  }
  const double centre = mean_of(x);
  double sum = 0.0;
  for (const double value : x) {
    sum += (value - centre) * (value - centre);
  }
  return std::sqrt(sum / static_cast<double>(x.size() - 1));
}

std::optional<Interval> bootstrap_interval(std::span<const double> x,
                                           const BootstrapOptions& options) {
  require_finite<double>(x, "bootstrap", "values");
  if (options.resamples < 100 || !(options.confidence_percent > 0.0) ||
      !(options.confidence_percent < 100.0)) {
    throw Error(ErrorCode::usage,
                "bootstrap: expected at least 100 resamples and a confidence between 0 and 100 %, "
                "found " +
                    std::to_string(options.resamples) + " and " +
                    std::to_string(options.confidence_percent) + " %");
  }
  if (x.size() < 2) {
    return std::nullopt;
  }
  const auto count = static_cast<std::uint64_t>(x.size());
  std::vector<double> means(static_cast<std::size_t>(options.resamples));
  for (std::size_t b = 0; b < means.size(); ++b) {
    double sum = 0.0;
    for (std::uint64_t i = 0; i < count; ++i) {
      sum += x[upper_product(splitmix64(options.seed, b * count + i), count)];
    }
    means[b] = sum / static_cast<double>(count);
  }
  std::sort(means.begin(), means.end());
  const double tail = (100.0 - options.confidence_percent) / 2.0;
  return Interval{sorted_percentile(means, tail), sorted_percentile(means, 100.0 - tail)};
}

PairedBootstrap paired_bootstrap(std::span<const double> first,
                                 std::span<const double> second,
                                 const BootstrapOptions& options) {
  if (first.size() != second.size()) {
    throw Error(ErrorCode::usage, "paired bootstrap: expected as many values of both, found " +
                                      std::to_string(first.size()) + " and " +
                                      std::to_string(second.size()));
  }
  require_finite<double>(first, "paired bootstrap", "first");
  require_finite<double>(second, "paired bootstrap", "second");
  std::vector<double> differences(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    differences[i] = second[i] - first[i];
  }
  return {mean(differences), bootstrap_interval(differences, options)};
}

}  // namespace ondes
