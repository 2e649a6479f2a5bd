#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

#include "dsp/partial_envelope_internal.h"
#include "dsp/stft.h"

namespace ondes::note_internal {

std::vector<std::complex<float>> partial_phasors(std::span<const float> x,
                                                 double sample_rate_hz,
                                                 const EnvelopeRequest& request) {
  const std::size_t partials = request.partials_hz.size();
  const auto steps = static_cast<std::size_t>(std::max<std::int64_t>(request.steps, 0));
  std::vector<std::complex<float>> phasors(steps * partials);
  const std::vector<float> window = periodic_hann(request.window_samples);
  const auto size = static_cast<std::int64_t>(window.size());
  std::vector<float> cosine(window.size());
  std::vector<float> sine(window.size());
  for (std::size_t p = 0; p < partials; ++p) {
    const double turn = 2.0 * std::numbers::pi * request.partials_hz[p] / sample_rate_hz;
    for (std::size_t n = 0; n < window.size(); ++n) {
      const double angle = turn * static_cast<double>(n);
      const double weight = static_cast<double>(window[n]) * 4.0 / static_cast<double>(size);
      cosine[n] = static_cast<float>(weight * std::cos(angle));
      sine[n] = static_cast<float>(weight * std::sin(angle));
    }
    for (std::size_t s = 0; s < steps; ++s) {
      const std::int64_t first =
          request.first_sample + static_cast<std::int64_t>(s) * request.step_samples - size / 2;
      const std::int64_t from = std::max<std::int64_t>(first, 0);
      const std::int64_t to = std::min<std::int64_t>(first + size, std::ssize(x));
      float real = 0.0F;
      float imaginary = 0.0F;
      for (std::int64_t n = from; n < to; ++n) {
        const auto at = static_cast<std::size_t>(n - first);
        const float value = x[static_cast<std::size_t>(n)];
        real += value * cosine[at];
        imaginary += value * sine[at];
      }
      phasors[s * partials + p] = {real, -imaginary};
    }
  }
  return phasors;
}

std::vector<double> summed_powers(std::span<const std::complex<float>> phasors,
                                  std::size_t partials) {
  std::vector<double> powers;
  for (std::size_t at = 0; at < phasors.size(); at += partials) {
    double sum = 0.0;
    for (const std::complex<float> z : phasors.subspan(at, partials)) {
      sum += static_cast<double>(std::norm(z));
    }
    powers.push_back(sum);
  }
  return powers;
}

int envelope_window(double hz, double sample_rate_hz) {
  const double length_s = std::clamp(2.5 / hz, 0.025, 0.05);
  return 2 * static_cast<int>(std::lround(0.5 * length_s * sample_rate_hz));
}

std::vector<double> first_partials(double hz, double sample_rate_hz) {
  constexpr int kPartials = 10;
  const double top_hz = std::min(6000.0, 0.45 * sample_rate_hz);
  std::vector<double> partials;
  for (int h = 1; h <= kPartials && (h == 1 || h * hz < top_hz); ++h) {
    partials.push_back(h * hz);
  }
  return partials;
}

bool is_clear(double hz, std::span<const double> pitches_hz, double clear_hz) {
  return std::none_of(pitches_hz.begin(), pitches_hz.end(), [&](double pitch) {
    return std::abs(hz - std::max(1.0, std::round(hz / pitch)) * pitch) < clear_hz;
  });
}

std::vector<double> own_partials(double hz,
                                 std::span<const double> others_hz,
                                 double clear_hz,
                                 double sample_rate_hz) {
  std::vector<double> own = first_partials(hz, sample_rate_hz);
  std::erase_if(own, [&](double partial) { return !is_clear(partial, others_hz, clear_hz); });
  return own;
}

double half_rise(std::span<const double> powers) {
  if (powers.empty()) {
    return 0.0;
  }
  const auto top =
      static_cast<std::size_t>(std::max_element(powers.begin(), powers.end()) - powers.begin());
  const double before = std::sqrt(
      *std::min_element(powers.begin(), powers.begin() + static_cast<std::ptrdiff_t>(top) + 1));
  const double middle = 0.5 * (before + std::sqrt(powers[top]));
  for (std::size_t i = top; i > 0; --i) {
    const double high = std::sqrt(powers[i]);
    const double low = std::sqrt(powers[i - 1]);
    if (low < middle && high >= middle) {
      return static_cast<double>(i - 1) + (middle - low) / (high - low);
    }
  }
  return 0.0;
}

}  // namespace ondes::note_internal
