#include "dsp/metrics/delay.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "dsp/fft.h"
#include "dsp/metrics/finite_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

double power(std::span<const float> x) {
  double sum = 0.0;
  for (const float value : x) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return sum;
}

double correlation_at(std::span<const float> reference,
                      std::span<const float> generated,
                      std::int64_t delay) {
  const auto first = std::max<std::int64_t>(0, -delay);
  const auto last = std::min(std::ssize(reference), std::ssize(generated) - delay);
  double sum = 0.0;
  for (std::int64_t n = first; n < last; ++n) {
    sum += static_cast<double>(reference[static_cast<std::size_t>(n)]) *
           static_cast<double>(generated[static_cast<std::size_t>(n + delay)]);
  }
  return sum;
}

// r[d] for |d| <= max_delay, summed over blocks: each correlates a block of the reference with the
// stretch of the generated sound that delays can bring to it, so memory does not grow with length.
std::vector<double> correlations(std::span<const float> reference,
                                 std::span<const float> generated,
                                 std::int64_t max_delay) {
  std::int64_t size = 1024;
  while (size < 4 * max_delay) {
    size *= 2;
  }
  const std::int64_t block = size - 2 * max_delay;
  RealFft forward(static_cast<int>(size));
  InverseRealFft inverse(static_cast<int>(size));
  std::vector<std::complex<float>> spectrum(static_cast<std::size_t>(forward.bins()));
  std::vector<std::complex<double>> sum(spectrum.size());
  for (std::int64_t start = 0; start < std::ssize(reference); start += block) {
    std::span<float> in = forward.input();
    const std::int64_t length = std::min(block, std::ssize(reference) - start);
    std::fill(in.begin(), in.end(), 0.0F);
    std::copy_n(reference.begin() + start, length, in.begin());
    forward.transform();
    std::copy(forward.output().begin(), forward.output().end(), spectrum.begin());
    for (std::int64_t n = 0; n < size; ++n) {
      const std::int64_t at = start - max_delay + n;
      in[static_cast<std::size_t>(n)] =
          at >= 0 && at < std::ssize(generated) ? generated[static_cast<std::size_t>(at)] : 0.0F;
    }
    forward.transform();
    for (std::size_t k = 0; k < sum.size(); ++k) {
      sum[k] +=
          std::complex<double>(std::conj(spectrum[k])) * std::complex<double>(forward.output()[k]);
    }
  }
  for (std::size_t k = 0; k < sum.size(); ++k) {
    inverse.input()[k] = std::complex<float>(sum[k]);
  }
  inverse.transform();
  const std::span<const float> out = inverse.output();
  return {out.begin(), out.begin() + 2 * max_delay + 1};
}

}  // namespace

Delay estimate_delay(std::span<const float> reference,
                     std::span<const float> generated,
                     std::int64_t max_delay_samples,
                     double minimum_correlation) {
  constexpr std::int64_t kMostSamples = std::int64_t{1} << 24;
  if (max_delay_samples < 0 || max_delay_samples > kMostSamples) {
    throw Error(ErrorCode::usage, "delay: expected a maximum of 0 to " +
                                      std::to_string(kMostSamples) + " samples, found " +
                                      std::to_string(max_delay_samples));
  }
  require_sounds(reference, generated, "delay");
  const double scale = std::sqrt(power(reference) * power(generated));
  if (!(scale > 0.0)) {
    return {};
  }
  const std::vector<double> r = correlations(reference, generated, max_delay_samples);
  std::int64_t best = 0;
  for (std::int64_t d = 1; d <= max_delay_samples; ++d) {
    for (const std::int64_t candidate : {d, -d}) {
      // Float transforms round: a farther lag must be better by more than that.
      const double margin = 1e-6 * scale;
      if (r[static_cast<std::size_t>(max_delay_samples + candidate)] >
          r[static_cast<std::size_t>(max_delay_samples + best)] + margin) {
        best = candidate;
      }
    }
  }
  const double correlation = correlation_at(reference, generated, best) / scale;
  if (correlation < minimum_correlation) {
    return {.samples = 0, .correlation = correlation_at(reference, generated, 0) / scale};
  }
  return {.samples = best, .correlation = correlation};
}

}  // namespace ondes
