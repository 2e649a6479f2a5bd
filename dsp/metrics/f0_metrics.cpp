#include "dsp/metrics/f0_metrics.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/error.h"

namespace ondes {

namespace {

constexpr double kGrossError = 0.2;

// Pearson's correlation of two series.
Measured correlation_of(const std::vector<double>& x, const std::vector<double>& y) {
  if (x.size() < 2) {
    return Measured::none("fewer than 2 frames are voiced in both");
  }
  const auto mean_of = [](const std::vector<double>& values) {
    double sum = 0.0;
    for (const double value : values) {
      sum += value;
    }
    return sum / static_cast<double>(values.size());
  };
  const double x_mean = mean_of(x);
  const double y_mean = mean_of(y);
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    yy += (y[i] - y_mean) * (y[i] - y_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  // A pitch that stands still but for the rounding of its mean has no direction to share.
  const auto still = [&](double sum_of_squares, double mean) {
    const double deviation = std::sqrt(sum_of_squares / static_cast<double>(x.size()));
    return deviation <= 1e-12 * mean;
  };
  if (still(xx, x_mean) || still(yy, y_mean)) {
    return Measured::none("a pitch that does not move has no correlation");
  }
  return std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0);
}

double median_of(std::vector<double> values) {
  const std::size_t middle = values.size() / 2;
  std::sort(values.begin(), values.end());
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

Measured share(std::int64_t part, std::int64_t whole, const char* reason) {
  return whole == 0 ? Measured::none(reason)
                    : Measured(static_cast<double>(part) / static_cast<double>(whole));
}

// What is taken over frames that are voiced in both; at least one is.
void measure_pitch(const std::vector<double>& reference,
                   const std::vector<double>& generated,
                   F0Metrics* metrics) {
  double sum = 0.0;
  double squares = 0.0;
  std::vector<double> distances;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double cents = 1200.0 * std::log2(generated[i] / reference[i]);
    sum += cents;
    squares += cents * cents;
    distances.push_back(std::abs(cents));
  }
  const auto count = static_cast<double>(reference.size());
  metrics->rmse_cents = std::sqrt(squares / count);
  metrics->bias_cents = sum / count;
  metrics->median_abs_cents = median_of(std::move(distances));
}

F0Metrics undefined(const char* reason) {
  F0Metrics metrics;
  for (Measured* value :
       {&metrics.rmse_cents, &metrics.bias_cents, &metrics.median_abs_cents, &metrics.gpe,
        &metrics.vuv_error, &metrics.ffe, &metrics.voicing_precision, &metrics.voicing_recall,
        &metrics.voicing_f1, &metrics.correlation}) {
    *value = Measured::none(reason);
  }
  return metrics;
}

}  // namespace

F0Metrics f0_metrics(std::span<const double> reference_hz, std::span<const double> generated_hz) {
  if (reference_hz.size() != generated_hz.size()) {
    throw Error(ErrorCode::usage, "F0 metrics: expected tracks of one length, found " +
                                      std::to_string(reference_hz.size()) + " and " +
                                      std::to_string(generated_hz.size()) + " frames");
  }
  F0Metrics metrics;
  metrics.frames = std::ssize(reference_hz);
  std::vector<double> reference;
  std::vector<double> generated;
  std::int64_t gross = 0;
  for (std::size_t t = 0; t < reference_hz.size(); ++t) {
    const double r = reference_hz[t];
    const double g = generated_hz[t];
    if (!std::isfinite(r) || !std::isfinite(g)) {
      throw Error(ErrorCode::bad_input,
                  "F0 metrics: frame " + std::to_string(t) +
                      ": expected finite frequencies, 0 where unvoiced, found " +
                      std::to_string(r) + " and " + std::to_string(g));
    }
    metrics.reference_voiced += r > 0.0 ? 1 : 0;
    metrics.generated_voiced += g > 0.0 ? 1 : 0;
    if (r > 0.0 && g > 0.0) {
      reference.push_back(r);
      generated.push_back(g);
      gross += std::abs(g / r - 1.0) > kGrossError ? 1 : 0;
    }
  }
  metrics.both_voiced = std::ssize(reference);
  const std::int64_t voicing_errors =
      metrics.reference_voiced + metrics.generated_voiced - 2 * metrics.both_voiced;
  constexpr const char* kNoFrames = "no frames";
  constexpr const char* kNotBoth = "no frame is voiced in both";
  metrics.vuv_error = share(voicing_errors, metrics.frames, kNoFrames);
  metrics.ffe = share(gross + voicing_errors, metrics.frames, kNoFrames);
  metrics.gpe = share(gross, metrics.both_voiced, kNotBoth);
  metrics.voicing_precision =
      share(metrics.both_voiced, metrics.generated_voiced, "no generated frame is voiced");
  metrics.voicing_recall =
      share(metrics.both_voiced, metrics.reference_voiced, "no reference frame is voiced");
  metrics.voicing_f1 =
      share(2 * metrics.both_voiced, metrics.reference_voiced + metrics.generated_voiced,
            "no frame is voiced in either");
  metrics.correlation = correlation_of(reference, generated);
  if (reference.empty()) {
    metrics.rmse_cents = Measured::none(kNotBoth);
    metrics.bias_cents = Measured::none(kNotBoth);
    metrics.median_abs_cents = Measured::none(kNotBoth);
  } else {
    measure_pitch(reference, generated, &metrics);
  }
  return metrics;
}

F0Metrics f0_metrics(const PitchTrack& reference, const PitchTrack& generated) {
  if (reference.size() == 0) {
    return undefined("the reference's track has no frames: a sound shorter than one");
  }
  if (generated.size() == 0) {
    return undefined("the generated track has no frames: a sound shorter than one");
  }
  return f0_metrics(reference.hz, pitch_track_at(generated, reference.times_s).hz);
}

}  // namespace ondes
