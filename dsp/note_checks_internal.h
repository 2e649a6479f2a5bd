// What both halves of dsp/note_transcription.h refuse.
#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "engine/error.h"

namespace ondes::note_internal {

inline void check_sound(std::span<const float> x,
                        double sample_rate_hz,
                        double min_hz,
                        double max_hz) {
  if (!(sample_rate_hz >= 4000.0 && sample_rate_hz <= 768000.0)) {
    throw Error(ErrorCode::usage, "notes: expected a rate of 4000..768000 Hz, found " +
                                      std::to_string(sample_rate_hz));
  }
  if (!(min_hz >= 20.0 && min_hz < max_hz && max_hz <= 0.45 * sample_rate_hz)) {
    throw Error(ErrorCode::usage, "notes: expected a pitch range within 20.." +
                                      std::to_string(0.45 * sample_rate_hz) + " Hz, found " +
                                      std::to_string(min_hz) + ".." + std::to_string(max_hz));
  }
  const auto bad =
      std::find_if(x.begin(), x.end(), [](float sample) { return !std::isfinite(sample); });
  if (bad != x.end()) {
    throw Error(ErrorCode::bad_input, "notes: expected finite samples, found " +
                                          std::to_string(*bad) + " at sample " +
                                          std::to_string(bad - x.begin()));
  }
}

}  // namespace ondes::note_internal
