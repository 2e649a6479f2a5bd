#include <algorithm>
#include <cmath>

#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/programme_loudness.h"
#include "dsp/metrics/signal_health.h"
#include "dsp/zero_crossings.h"

namespace ondes {
namespace {

enum Row { kLoudness, kRange, kTruePeak, kDc, kClipped, kClicks, kZeroCrossings, kLength };

std::vector<MetricRow> rows(const MetricSetting&) {
  return {
      must_row("loudness_difference_lu", "Loudness, generated - reference", "LU", Better::neither,
               2, "integrated, ITU-R BS.1770-4, as one channel"),
      must_row("loudness_range_difference_lu", "Loudness range, generated - reference", "LU",
               Better::neither, 2, "EBU Tech 3342, as one channel"),
      must_row("true_peak_dbtp", "True peak of the generated sound", "dBTP", Better::neither, 2,
               kTruePeakParameters),
      must_row("dc_offset", "Offset of the generated sound", "", Better::neither, 6,
               "mean of the samples"),
      must_row("clipped_samples", "Clipped samples of the generated sound", "", Better::lower, 1,
               kClippedParameters),
      // Fewer clicks than the reference is no merit: 0 is best.
      must_row("click_difference", "Clicks, generated - reference", "", Better::neither, 1,
               "fourth difference above 40 times its median of 50 ms and 1e-3 of full scale"),
      must_row("zero_crossing_difference", "Zero-crossing rate, mean distance", "", Better::lower,
               4, "librosa: frame 2048, hop 512; crossings a sample, over common frames"),
      must_row("length_difference_s", "Length, generated - reference", "s", Better::neither, 3,
               "after trimming and alignment"),
  };
}

MetricValue difference(const MetricValue& generated, const MetricValue& reference) {
  if (!reference.value) {
    return MetricValue::none("reference: " + reference.reason);
  }
  if (!generated.value) {
    return MetricValue::none("generated: " + generated.reason);
  }
  return *generated.value - *reference.value;
}

MetricValue zero_crossing_distance(const SoundPair& sounds) {
  const std::vector<float> reference = zero_crossing_rate(sounds.reference);
  const std::vector<float> generated = zero_crossing_rate(sounds.generated);
  const std::size_t frames = std::min(reference.size(), generated.size());
  if (frames == 0) {
    return MetricValue::none("no common frames");
  }
  double sum = 0.0;
  for (std::size_t t = 0; t < frames; ++t) {
    sum += std::abs(static_cast<double>(generated[t]) - static_cast<double>(reference[t]));
  }
  return sum / static_cast<double>(frames);
}

void measure_loudness(const SoundPair& sounds, std::span<MetricValue> values) {
  const ProgrammeLoudness reference = programme_loudness(sounds.reference, sounds.rate_hz);
  const ProgrammeLoudness generated = programme_loudness(sounds.generated, sounds.rate_hz);
  values[kLoudness] = difference(generated.integrated_lufs, reference.integrated_lufs);
  values[kRange] = difference(generated.loudness_range_lu, reference.loudness_range_lu);
  values[kTruePeak] = generated.true_peak_dbtp;
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const SoundPair& sounds = input.sounds;
  measure_rows(input, {kLoudness, kRange, kTruePeak}, values,
               [&] { measure_loudness(sounds, values); });
  measure_rows(input, {kDc, kClipped, kClicks}, values, [&] {
    const SignalHealth reference = signal_health(sounds.reference, sounds.rate_hz);
    const SignalHealth generated = signal_health(sounds.generated, sounds.rate_hz);
    values[kDc] = generated.dc;
    values[kClipped] = static_cast<double>(generated.clipped_samples);
    values[kClicks] = static_cast<double>(generated.clicks - reference.clicks);
  });
  measure_rows(input, {kZeroCrossings}, values,
               [&] { values[kZeroCrossings] = zero_crossing_distance(sounds); });
  values[kLength] =
      static_cast<double>(std::ssize(sounds.generated) - std::ssize(sounds.reference)) /
      sounds.rate_hz;
}

}  // namespace

const MetricGroup kLevelMetrics{rows, measure};

}  // namespace ondes
