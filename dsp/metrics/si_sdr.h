// Scale-invariant signal-to-distortion ratio of zero-mean signals (J. Le Roux et al., "SDR -
// half-baked or well done?", ICASSP 2019).
//
//   r, g: both minus their means;   target = r <g, r> / <r, r>
//   si_sdr_db = 10 log10(|target|^2 / |g - target|^2)
//
// Larger is better. Not symmetric in general, unmoved by a gain or an offset on either side.
// It compares wave forms sample by sample: of a vocoder, which makes its own phases, it says
// nothing. Use it for codecs, enhancement, quantisation and for regression of one's own renders.
//
// No value, with a reason: a reference or generated signal that is silent or constant over the
// samples compared, fewer than 2 samples, and a distortion of exactly 0 (identical up to gain and
// offset: unbounded).
// Throws Error{usage} if the lengths differ, Error{bad_input} for NaN, infinity and samples beyond
// 1e6. Any thread.
#pragma once
#include <span>

#include "dsp/metrics/measured.h"

namespace ondes {

Measured si_sdr_db(std::span<const float> reference, std::span<const float> generated);

}  // namespace ondes
