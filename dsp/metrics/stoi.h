// Short-time objective intelligibility of speech, plain and extended.
//
//   both at 10 kHz; frames of 256 (Hann), hop 128; frames of the reference more than 40 dB below
//   its loudest are taken out of both; 15 third-octave bands from 150 Hz of 512-point spectra;
//   segments of 30 frames (384 ms):
//   stoi   mean over segments and bands of the correlation of the band's envelopes, the generated
//          one scaled to the reference's energy and clipped at -15 dB SDR
//          (C. Taal et al., IEEE TASLP 19(7), 2011)
//   estoi  mean over segments of the inner product of segments normalised over time, then over
//          bands (J. Jensen, C. Taal, IEEE/ACM TASLP 24(11), 2016)
//
// In -1 .. 1, larger is better. Not symmetric: the reference chooses the frames. Agrees with pystoi
// 0.4.1 to 1e-3, resampling included. It judges intelligibility, not naturalness.
//
// No value, with a reason: a reference that is silent or nowhere above -200 dBFS, a generated sound
// that is not silent and nowhere above it (the measure's guard of divisions, 2e-16, would decide),
// fewer than 30 frames that are not silent. A silent generated sound reads 0: nothing is in it.
// Throws Error{usage} if the lengths differ or for a rate that is not positive, Error{bad_input}
// for NaN, infinity and samples beyond 1e6. Any thread; allocates per call.
#pragma once
#include <span>

#include "dsp/metrics/measured.h"

namespace ondes {

struct Intelligibility {
  Measured stoi;
  Measured estoi;
};

// Both at once: resampling, frames and bands are shared.
Intelligibility intelligibility(std::span<const float> reference,
                                std::span<const float> generated,
                                int sample_rate_hz);

}  // namespace ondes
