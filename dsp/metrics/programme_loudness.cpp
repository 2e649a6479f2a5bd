#include "dsp/metrics/programme_loudness.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "dsp/loudness.h"
#include "dsp/metrics/finite_internal.h"

namespace ondes {

ProgrammeLoudness programme_loudness(std::span<const float> x, int sample_rate_hz) {
  require_sound(x, "loudness", "samples");
  LoudnessMeter meter(sample_rate_hz, 1);
  constexpr std::size_t kBlock = std::size_t{1} << 20;  // views count frames in int
  for (std::size_t start = 0; start < x.size(); start += kBlock) {
    const std::size_t count = std::min(kBlock, x.size() - start);
    meter.add({x.data() + start, static_cast<int>(count), 1});
  }
  ProgrammeLoudness result;
  const double lufs = meter.integrated_lufs();
  result.integrated_lufs = std::isfinite(lufs)
                               ? Measured(lufs)
                               : Measured::none("shorter than 400 ms, or quieter than -70 LUFS");
  const auto range = meter.range_lu();
  result.loudness_range_lu =
      range ? Measured(*range) : Measured::none("shorter than 3 s, or quieter than -70 LUFS");
  const double peak = meter.true_peak();
  result.true_peak_dbtp = peak > 0.0 ? Measured(20.0 * std::log10(peak)) : Measured::none("silent");
  return result;
}

}  // namespace ondes
