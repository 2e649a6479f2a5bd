// What can be wrong with one recording, without a reference.
//
//   dc                 mean of the samples
//   peak, rms          of the samples, 1.0 is full scale
//   clipped_runs       runs of at least 3 equal consecutive samples at the recording's extreme: the
//                      flat tops that clamping leaves. Of any length within 0.1 dB of full scale;
//                      further down, to 6 dB (clipped first, then turned down), of at most 25 ms,
//                      half a period of 20 Hz: what stays longer is a level, not a top. A run that
//                      is the whole recording is a constant: nothing was cut off (see dc)
//   clipped_samples    samples in those runs
//   clicks             places where the signal jumps as its surroundings never do: the fourth
//                      difference |x[n-2] - 4 x[n-1] + 6 x[n] - 4 x[n+1] + x[n+2]| exceeds
//                      `click_ratio` times the median of its magnitude over the 50 ms around, and
//                      1e-3 of full scale; exceedances within 5 ms are one click
//   zero_crossing_rate crossings a sample over the whole (dsp/zero_crossings.h)
//   not_finite         NaN and infinite samples; everything else is then taken over the finite ones
//
// The clicks are a heuristic for synthetic sound: plucked onsets and plosives count too, so compare
// a render with its reference rather than with 0.
//
// Throws Error{usage} for a rate that is not positive. No samples: reasons instead of values.
// Any thread; allocates one block.
#pragma once
#include <cstdint>
#include <span>

#include "dsp/metrics/measured.h"

namespace ondes {

struct SignalHealthOptions {
  double click_ratio = 40.0;
};

struct SignalHealth {
  std::int64_t samples = 0;
  double duration_s = 0.0;
  std::int64_t nan_samples = 0;
  std::int64_t infinite_samples = 0;
  std::int64_t clipped_runs = 0;
  std::int64_t clipped_samples = 0;
  std::int64_t clicks = 0;
  Measured dc;
  Measured peak_dbfs;  // none for silence
  Measured rms_dbfs;   // none for silence
  Measured zero_crossing_rate;

  bool finite() const { return nan_samples == 0 && infinite_samples == 0; }
};

SignalHealth signal_health(std::span<const float> x,
                           int sample_rate_hz,
                           const SignalHealthOptions& options = {});

}  // namespace ondes
