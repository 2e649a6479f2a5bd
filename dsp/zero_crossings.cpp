#include "dsp/zero_crossings.h"

#include <algorithm>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr float kZeroMagnitude = 1e-10F;

bool is_negative(float value) {
  return value < -kZeroMagnitude;
}

}  // namespace

std::int64_t count_zero_crossings(std::span<const float> x) noexcept {
  std::int64_t crossings = 0;
  for (std::size_t n = 1; n < x.size(); ++n) {
    crossings += is_negative(x[n]) != is_negative(x[n - 1]) ? 1 : 0;
  }
  return crossings;
}

std::vector<float> zero_crossing_rate(std::span<const float> x,
                                      const ZeroCrossingOptions& options) {
  if (options.frame_samples < 2 || options.frame_samples % 2 != 0 || options.hop_samples < 1) {
    throw Error(ErrorCode::usage,
                "zero crossing rate: expected an even frame of at least 2 and a hop of at least 1 "
                "sample, found " +
                    std::to_string(options.frame_samples) + " and " +
                    std::to_string(options.hop_samples));
  }
  if (x.empty()) {
    return {};
  }
  // before[n] = crossings at 1 .. n: beyond either end the signal stands still.
  std::vector<std::int32_t> before(x.size(), 0);
  for (std::size_t n = 1; n < x.size(); ++n) {
    before[n] = before[n - 1] + (is_negative(x[n]) != is_negative(x[n - 1]) ? 1 : 0);
  }
  const std::int64_t last = std::ssize(x) - 1;
  const std::int64_t half = options.frame_samples / 2;
  std::vector<float> rates(static_cast<std::size_t>(1 + std::ssize(x) / options.hop_samples));
  for (std::size_t t = 0; t < rates.size(); ++t) {
    const std::int64_t centre = static_cast<std::int64_t>(t) * options.hop_samples;
    const std::int64_t from = std::clamp<std::int64_t>(centre - half, 0, last);
    const std::int64_t to = std::clamp<std::int64_t>(centre + half - 1, 0, last);
    const std::int32_t crossings =
        before[static_cast<std::size_t>(to)] - before[static_cast<std::size_t>(from)];
    rates[t] = static_cast<float>(crossings) / static_cast<float>(options.frame_samples);
  }
  return rates;
}

}  // namespace ondes
