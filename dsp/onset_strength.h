// Onset strength: how much louder the mel bands became since the frame before, as
// librosa.onset.onset_strength has it (S. Boeck, G. Widmer, "Maximum filter vibrato suppression for
// onset detection", DAFx 2013, without the maximum filter).
//
//   o[t] = mean over m of max(0, y_t'[m] - y_t'-1[m]),  t' = t - N / (2 hop), 0 where t' < 1
//
// with y the mels of profile `librosa` (in dB, at most 80 below the greatest).
//
// Shapes: S samples, N fft, T = 1 + S / hop values.
// No state: any thread.
#pragma once
#include <span>
#include <vector>

#include "dsp/log_mel.h"
#include "engine/views.h"

namespace ondes {

// Of a signal. Throws Error{usage} for a rate that is not positive.
std::vector<float> onset_strength(std::span<const float> x, int sample_rate_hz);
// Of mels in dB that are there already, made with frames of fft_size every hop_samples.
std::vector<float> onset_strength(ConstFrames mels_db, int fft_size, int hop_samples);

}  // namespace ondes
