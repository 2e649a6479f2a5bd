// What training measures on a recorded note: where its conditioning rows fall, its level, and its
// phase.
//
// Level. The network learns notes whose level has been taken out: the samples it sees are
// recording / ramp, where the ramp runs linearly between amplitudes A(g) at the hop grid points g,
// A = 0 at the onset. A(g) = RMS around g / kNetworkRms, over one period each side (5 to 25 ms).
// The level network learns ln A(g + hop) from the row at g; engine/lanes multiplies by the same
// ramp when playing.
//
// Phase. The phase that conditions the network is that of the recording's own fundamental, by
// heterodyne at the nominal pitch (Hann low-pass of four periods, unwrapped, held where the
// fundamental is weak). Without this lock the network learns to ignore the phase, and free-running
// pitch drifts by half a semitone.
//
// Grid. Rows stand at 0, hop, 2 hop, ... up to the release, then at release, release + hop, ...
// exactly as engine/conditioning/note_conditioner.h places them.
//
// Set-up thread.
#pragma once
#include <span>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "engine/lanes/level_ramp.h"  // kNetworkRms
#include "models/training/note_corpus.h"

namespace ondes {

// Levels below this RMS (-90 dBFS) count as silence.
inline constexpr float kSilenceRms = 3.2e-5F;

struct NoteAnalysis {
  std::vector<int> row_starts;  // samples, ascending
  std::vector<float>
      row_amplitude;  // A at row_starts[r] + hop, the target of the ramp that r opens
  std::vector<float> phase_deviation;  // cycles, recording minus nominal, at multiples of kPhaseHop
  int audible_samples = 0;             // up to where the level falls below silence for good
};

inline constexpr int kPhaseHopSamples = 32;

NoteAnalysis analyse_note(std::span<const float> audio,
                          const CorpusNote& note,
                          const NoteContract& contract);

// The ramp over samples [first, first + out.size()).
void write_ramp(const NoteAnalysis& analysis, int hop_samples, int first, std::span<float> out);

// The recording's phase in cycles at `sample`.
double phase_at(const NoteAnalysis& analysis, double nominal_hz, int sample_rate_hz, int sample);

}  // namespace ondes
