#include "dsp/pitch.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace ondes {

namespace {

// A parabola's vertex errs by up to about a tenth of a sample on bright tones; over a lag of this
// many samples that is below 1.5 cents.
constexpr int kRefinedLagSamples = 128;

struct Geometry {
  int min_lag = 0;
  int max_lag = 0;  // of a period
  int lags = 0;     // d is computed for 0 .. lags - 1
  int window = 0;   // W
};

Geometry geometry(double sample_rate_hz, const PitchOptions& options) {
  if (!(options.min_hz > 0.0 && options.min_hz < options.max_hz &&
        options.max_hz <= sample_rate_hz / 2.0)) {
    throw Error(
        ErrorCode::usage,
        "pitch range: expected 0 < min_hz < max_hz <= " + std::to_string(sample_rate_hz / 2.0) +
            " Hz, found " + std::to_string(options.min_hz) + ".." + std::to_string(options.max_hz));
  }
  if (options.hop_samples < 1 || options.window_samples < 0) {
    throw Error(ErrorCode::usage, "pitch hop and window: expected positive sizes, found " +
                                      std::to_string(options.hop_samples) + " and " +
                                      std::to_string(options.window_samples));
  }
  Geometry g;
  g.min_lag = std::max(2, static_cast<int>(std::floor(sample_rate_hz / options.max_hz)));
  g.max_lag = std::max(g.min_lag + 1, static_cast<int>(std::ceil(sample_rate_hz / options.min_hz)));
  g.lags = std::max(g.max_lag, kRefinedLagSamples + g.max_lag / 2) + 2;
  g.window = options.window_samples > 0 ? options.window_samples : 2 * g.max_lag;
  return g;
}

// d(tau), eq. 6. Lags run in the inner loop: independent sums, which vectorise without reordering.
void difference(std::span<const float> x,
                int window,
                std::span<float> partial,
                std::span<double> d) {
  constexpr int kPartialSamples = 32;  // float sums stay short; doubles carry them on
  std::fill(d.begin(), d.end(), 0.0);
  const std::size_t lags = d.size();
  for (int first = 0; first < window; first += kPartialSamples) {
    std::fill(partial.begin(), partial.end(), 0.0F);
    const int last = std::min(window, first + kPartialSamples);
    for (int j = first; j < last; ++j) {
      const float* shifted = x.data() + j;
      const float here = *shifted;
      for (std::size_t tau = 0; tau < lags; ++tau) {
        const float difference = here - shifted[tau];
        partial[tau] += difference * difference;
      }
    }
    for (std::size_t tau = 0; tau < lags; ++tau) {
      d[tau] += static_cast<double>(partial[tau]);
    }
  }
}

// d', eq. 8. False if the frame holds no movement at all.
bool normalise(std::span<const double> d, std::span<double> normalised) {
  double sum = 0.0;
  normalised[0] = 1.0;
  for (std::size_t tau = 1; tau < d.size(); ++tau) {
    sum += d[tau];
    normalised[tau] = sum > 0.0 ? d[tau] * static_cast<double>(tau) / sum : 1.0;
  }
  return sum > 0.0;
}

struct Minimum {
  double lag = 0.0;
  double value = 1.0;
};

// Vertex of the parabola through three neighbours, the middle one lowest.
Minimum parabolic_minimum(std::span<const double> y, int i) {
  const auto at = static_cast<std::size_t>(i);
  const double slope = 0.5 * (y[at + 1] - y[at - 1]);
  const double curvature = y[at + 1] - 2.0 * y[at] + y[at - 1];
  if (!(curvature > 0.0)) {
    return {static_cast<double>(i), y[at]};
  }
  const double offset = std::clamp(-slope / curvature, -1.0, 1.0);
  return {i + offset, std::max(0.0, y[at] + 0.5 * slope * offset)};
}

bool is_local_minimum(std::span<const double> y, int i) {
  const auto at = static_cast<std::size_t>(i);
  return y[at] < y[at - 1] && y[at] <= y[at + 1];
}

// The first minimum of d' below the threshold, else the deepest; value 1 if there is none.
Minimum find_period(std::span<const double> normalised, const Geometry& g, double threshold) {
  Minimum best;
  for (int tau = g.min_lag; tau <= g.max_lag; ++tau) {
    if (!is_local_minimum(normalised, tau)) {
      continue;
    }
    const Minimum minimum = parabolic_minimum(normalised, tau);
    if (minimum.value < threshold) {
      return minimum;
    }
    if (best.lag == 0.0 || minimum.value < best.value) {
      best = minimum;
    }
  }
  return best;
}

// The minimum of d nearest to m periods, divided by m; the estimate grows from multiple to multiple
// so that the next one cannot be missed by half a period.
double refine_period(std::span<const double> d, double period) {
  double refined = period;
  for (int multiple = 1;; ++multiple) {
    const double target = multiple * refined;
    const int centre = static_cast<int>(std::lround(target));
    if (centre + 2 >= static_cast<int>(d.size())) {
      return refined;
    }
    int lowest = centre;
    for (int tau = centre - 1; tau <= centre + 1; ++tau) {
      if (d[static_cast<std::size_t>(tau)] < d[static_cast<std::size_t>(lowest)]) {
        lowest = tau;
      }
    }
    if (lowest < 1 || !is_local_minimum(d, lowest)) {
      return refined;
    }
    refined = parabolic_minimum(d, lowest).lag / multiple;
    if (target >= kRefinedLagSamples) {
      return refined;
    }
  }
}

}  // namespace

std::int64_t pitch_frame_samples(double sample_rate_hz, const PitchOptions& options) {
  const Geometry g = geometry(sample_rate_hz, options);
  return g.window + g.lags - 1;
}

std::vector<PitchFrame> track_pitch(std::span<const float> x,
                                    double sample_rate_hz,
                                    const PitchOptions& options) {
  const Geometry g = geometry(sample_rate_hz, options);
  const std::int64_t frame_samples = g.window + g.lags - 1;
  std::vector<PitchFrame> frames;
  if (std::ssize(x) < frame_samples) {
    return frames;
  }
  frames.reserve(static_cast<std::size_t>((std::ssize(x) - frame_samples) / options.hop_samples) +
                 1);
  std::vector<float> partial(static_cast<std::size_t>(g.lags));
  std::vector<double> d(static_cast<std::size_t>(g.lags));
  std::vector<double> normalised(static_cast<std::size_t>(g.lags));
  for (std::int64_t first = 0; first + frame_samples <= std::ssize(x);
       first += options.hop_samples) {
    PitchFrame frame{.centre_sample = first + frame_samples / 2};
    difference(x.subspan(static_cast<std::size_t>(first)), g.window, partial, d);
    if (normalise(d, normalised)) {
      const Minimum period = find_period(normalised, g, options.threshold);
      if (period.lag > 0.0) {
        frame.hz = sample_rate_hz / refine_period(d, period.lag);
        frame.aperiodicity = period.value;
      }
    }
    frames.push_back(frame);
  }
  return frames;
}

}  // namespace ondes
