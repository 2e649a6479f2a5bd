#include <fmt/format.h>

#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/log_spectral_difference.h"
#include "dsp/metrics/spectral_distances.h"

namespace ondes {
namespace {

enum Row { kMultiResolution, kConvergence, kLogMagnitude, kLsd, kDifference };

std::vector<MetricRow> rows(const MetricSetting&) {
  const std::string one = parameters_of(SpectralDistanceOptions{}) + "; common length";
  const LogSpectralDifferenceOptions difference;
  return {
      {{.name = "multi_resolution_stft",
        .label = "Multi-resolution STFT distance",
        .unit = "",
        .better = Better::lower,
        .parameters = parameters_of(MultiResolutionOptions{}) + "; common length"}},
      {{.name = "spectral_convergence",
        .label = "Spectral convergence",
        .unit = "",
        .better = Better::lower,
        .parameters = one}},
      {{.name = "log_magnitude_distance",
        .label = "Log-magnitude distance",
        .unit = "",
        .better = Better::lower,
        .parameters = one}},
      {{.name = "log_spectral_distance_db",
        .label = "Log-spectral distance",
        .unit = "dB",
        .better = Better::lower,
        .parameters = one}},
      {{.name = "log_spectral_difference_db",
        .label = "Log-spectral difference above a floor",
        .unit = "dB",
        .better = Better::lower,
        .parameters =
            fmt::format("mean |20 log10 R - 20 log10 G|; Hann {}, hop {}, floor {} dB "
                        "below the reference's peak; common length",
                        difference.fft_size, difference.hop_samples, difference.floor_db)}},
  };
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const std::span<const float> reference = input.sounds.common_reference();
  const std::span<const float> generated = input.sounds.common_generated();
  measure_rows(input, {kMultiResolution}, values, [&] {
    values[kMultiResolution] = multi_resolution_stft_distance(reference, generated).value;
  });
  measure_rows(input, {kConvergence, kLogMagnitude, kLsd}, values, [&] {
    const SpectralDistances distances = spectral_distances(reference, generated);
    values[kConvergence] = distances.spectral_convergence;
    values[kLogMagnitude] = distances.log_magnitude;
    values[kLsd] = distances.log_spectral_distance_db;
  });
  measure_rows(input, {kDifference}, values,
               [&] { values[kDifference] = log_spectral_difference_db(reference, generated); });
}

}  // namespace

const MetricGroup kSpectralMetrics{rows, measure};

}  // namespace ondes
