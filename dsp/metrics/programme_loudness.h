// Loudness, loudness range and true peak of one mono recording (dsp/loudness.h: libebur128; ITU-R
// BS.1770-4, EBU R 128, EBU Tech 3342), with reasons where they do not exist.
//
// Throws Error{usage} for a rate that cannot be measured, Error{bad_input} for NaN, infinity and
// samples beyond 1e6.
// Any thread.
#pragma once
#include <span>

#include "dsp/metrics/measured.h"

namespace ondes {

struct ProgrammeLoudness {
  Measured integrated_lufs;    // none below 400 ms or -70 LUFS
  Measured loudness_range_lu;  // none below 3 s or -70 LUFS
  Measured true_peak_dbtp;     // none for silence
};

ProgrammeLoudness programme_loudness(std::span<const float> x, int sample_rate_hz);

}  // namespace ondes
