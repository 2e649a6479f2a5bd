#include "dsp/metrics/signal_health.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dsp/zero_crossings.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr std::size_t kShortestClippedRun = 3;
constexpr double kClipsFrom = 0.5;       // 6 dB below full scale
constexpr double kFullScale = 0.98855;   // 0.1 dB below it
constexpr double kLongestTop_s = 0.025;  // below full scale
constexpr double kQuietestClick = 1e-3;
constexpr double kClickSurroundings_s = 0.05;
constexpr double kClickDistance_s = 0.005;

void count_clipping(std::span<const float> x,
                    int sample_rate_hz,
                    float lowest,
                    float highest,
                    SignalHealth& health) {
  if (lowest == highest) {
    return;
  }
  std::size_t n = 0;
  while (n < x.size()) {
    std::size_t end = n + 1;
    while (end < x.size() && x[end] == x[n]) {
      ++end;
    }
    const bool extreme = x[n] == highest || x[n] == lowest;
    const double height = std::abs(static_cast<double>(x[n]));
    const double length_s = static_cast<double>(end - n) / static_cast<double>(sample_rate_hz);
    const bool top = height >= kFullScale || (height >= kClipsFrom && length_s <= kLongestTop_s);
    if (extreme && top && end - n >= kShortestClippedRun) {
      ++health.clipped_runs;
      health.clipped_samples += static_cast<std::int64_t>(end - n);
    }
    n = end;
  }
}

// |fourth difference| of the samples around n; it passes smooth curves by and answers to a jump
// with up to 3, 6 for a single sample off.
float roughness(std::span<const float> x, std::size_t n) {
  return std::abs(x[n - 2] - 4.0F * x[n - 1] + 6.0F * x[n] - 4.0F * x[n + 1] + x[n + 2]);
}

// Blocks of the surroundings' length, each judged by its own median and its neighbours': the larger
// of the three, so that a burst of noise beside silence is no click.
std::int64_t count_clicks(std::span<const float> x, int sample_rate_hz, double ratio) {
  if (x.size() < 5) {
    return 0;
  }
  const auto block = static_cast<std::size_t>(
      std::max(16.0, kClickSurroundings_s * static_cast<double>(sample_rate_hz)));
  std::vector<float> rough(x.size(), 0.0F);
  for (std::size_t n = 2; n + 2 < x.size(); ++n) {
    rough[n] = roughness(x, n);
  }
  std::vector<float> medians;
  std::vector<float> sorted;
  for (std::size_t start = 0; start < x.size(); start += block) {
    const std::size_t end = std::min(start + block, x.size());
    sorted.assign(rough.begin() + static_cast<std::ptrdiff_t>(start),
                  rough.begin() + static_cast<std::ptrdiff_t>(end));
    const auto middle = sorted.begin() + std::ssize(sorted) / 2;
    std::nth_element(sorted.begin(), middle, sorted.end());
    medians.push_back(*middle);
  }
  const auto apart = static_cast<std::size_t>(
      std::max(1.0, kClickDistance_s * static_cast<double>(sample_rate_hz)));
  std::int64_t clicks = 0;
  std::size_t quiet_from = 0;  // exceedances before this belong to the click counted last
  for (std::size_t n = 2; n + 2 < x.size(); ++n) {
    const std::size_t b = n / block;
    float median = medians[b];
    median = b > 0 ? std::max(median, medians[b - 1]) : median;
    median = b + 1 < medians.size() ? std::max(median, medians[b + 1]) : median;
    const double limit = std::max(kQuietestClick, ratio * static_cast<double>(median));
    if (static_cast<double>(rough[n]) > limit) {
      clicks += n >= quiet_from ? 1 : 0;
      quiet_from = n + apart;
    }
  }
  return clicks;
}

Measured decibels(double amplitude) {
  return amplitude > 0.0 ? Measured(20.0 * std::log10(amplitude)) : Measured::none("silent");
}

void measure_finite(std::span<const float> x,
                    int sample_rate_hz,
                    const SignalHealthOptions& options,
                    SignalHealth& health) {
  double sum = 0.0;
  double power = 0.0;
  float lowest = x[0];
  float highest = x[0];
  for (const float value : x) {
    sum += static_cast<double>(value);
    power += static_cast<double>(value) * static_cast<double>(value);
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  const auto count = static_cast<double>(x.size());
  health.dc = sum / count;
  health.rms_dbfs = decibels(std::sqrt(power / count));
  health.peak_dbfs = decibels(
      std::max(std::abs(static_cast<double>(lowest)), std::abs(static_cast<double>(highest))));
  health.zero_crossing_rate = static_cast<double>(count_zero_crossings(x)) / count;
  count_clipping(x, sample_rate_hz, lowest, highest, health);
  health.clicks = count_clicks(x, sample_rate_hz, options.click_ratio);
}

}  // namespace

SignalHealth signal_health(std::span<const float> x,
                           int sample_rate_hz,
                           const SignalHealthOptions& options) {
  if (sample_rate_hz < 1 || !(options.click_ratio > 0.0)) {
    throw Error(ErrorCode::usage,
                "signal health: expected a sample rate and a click ratio above 0, found " +
                    std::to_string(sample_rate_hz) + " and " + std::to_string(options.click_ratio));
  }
  SignalHealth health;
  health.samples = std::ssize(x);
  health.duration_s = static_cast<double>(x.size()) / static_cast<double>(sample_rate_hz);
  for (const float value : x) {
    health.nan_samples += std::isnan(value) ? 1 : 0;
    health.infinite_samples += std::isinf(value) ? 1 : 0;
  }
  std::vector<float> finite;
  std::span<const float> measured = x;
  if (!health.finite()) {
    std::copy_if(x.begin(), x.end(), std::back_inserter(finite),
                 [](float value) { return std::isfinite(value); });
    measured = finite;
  }
  if (measured.empty()) {
    const std::string why = x.empty() ? "no samples" : "no finite samples";
    health.dc = Measured::none(why);
    health.peak_dbfs = Measured::none(why);
    health.rms_dbfs = Measured::none(why);
    health.zero_crossing_rate = Measured::none(why);
    return health;
  }
  measure_finite(measured, sample_rate_hz, options, health);
  return health;
}

}  // namespace ondes
