// Where the partials of a recorded note really lie: cents above the harmonics of its own
// fundamental.
//
// Strings are stiff (partials stretch: f_h = h f0 sqrt(1 + B h^2), Fletcher 1964) and bars are not
// harmonic at all. The averaged spectrum of the held part (Hann, at least eight periods) is
// searched upwards for a peak near each place where the stretch found so far predicts one; what
// stands out (12 dB above what surrounds it, within 70 dB of the loudest) is measured by a parabola
// through the logarithm.
// Set-up thread, any thread with its own data.
#pragma once
#include <span>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "models/training/note_analysis.h"

namespace ondes {

struct PartialDetune {
  std::vector<float> cents;   // (H), predicted by the stretch where nothing was found
  std::vector<float> weight;  // (H), 1 where a peak was found, else 0
};

PartialDetune analyse_partials(std::span<const float> audio,
                               const CorpusNote& note,
                               const NoteAnalysis& analysis,
                               int sample_rate_hz,
                               int partials);

}  // namespace ondes
