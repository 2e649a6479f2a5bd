// Measures a note voice on recorded notes it was never trained on: free-running, through the same
// lanes and runner that render scores (engine/lanes), note by note against the recording.
//
// Set-up thread. Figures are defined at their fields; ondes-train evaluate prints them.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "engine/plan/lane_plan.h"
#include "models/training/note_corpus.h"

namespace ondes {

struct EvaluationOptions {
  Precision precision = Precision::f32;
  int lanes = 16;
  int threads = 2;
  std::uint64_t seed = 1;
  float temperature = 1.0F;
};

// Plays notes of a corpus with the voice: same key, velocity and release, as long as the recording.
// progress(done, total) after every batch of lanes.
std::vector<std::vector<float>> render_notes(const LanePlan& plan,
                                             const NoteContract& contract,
                                             const NoteCorpus& corpus,
                                             std::span<const int> notes,
                                             const EvaluationOptions& options,
                                             const std::function<void(int, int)>& progress);

struct NoteFigures {
  int note = 0;  // in the corpus
  // Median over frames of the held part (YIN, within an octave and a bit of the wanted pitch)
  // against the nominal pitch. NaN where no frame fits into the note.
  double pitch_error_cents = 0.0;
  double recorded_pitch_error_cents = 0.0;
  // RMS from the onset to 50 ms after the release, rendered minus recorded.
  double level_error_db = 0.0;
  // Mean absolute log-spectral difference to the recording (fft 1024, hop 256, floor -80 dB):
  double spectral_db = 0.0;            // of the rendering,
  double neighbour_spectral_db = 0.0;  // of the recorded neighbouring velocity (NaN: none),
  double companded_spectral_db = 0.0;  // of the recording through 8-bit mu-law alone.
  // Largest second difference around onset and release over the largest in the 40 ms beside it;
  // a click stands out. Of the rendering and of the recording.
  double onset_click = 0.0;
  double release_click = 0.0;
  double recorded_onset_click = 0.0;
  double recorded_release_click = 0.0;
  // RMS of the last 50 ms in dBFS where the recording is silent (below -80) there; NaN elsewhere.
  double tail_dbfs = 0.0;
};

NoteFigures measure_note(const NoteCorpus& corpus, int note, std::span<const float> rendered);

// A click: a second difference 1.5 times what surrounds it that the recording does not have too.
bool has_click(const NoteFigures& figures);

struct InstrumentSummary {
  int instrument = 0;  // -1: all
  int notes = 0;
  int pitch_measured = 0;
  double pitch_within_20_cents = 0.0;  // share of the measured ones
  double recorded_within_20_cents = 0.0;
  double median_pitch_error_cents = 0.0;  // of absolute errors
  double level_within_3_db = 0.0;
  double median_level_error_db = 0.0;  // of absolute errors
  double spectral_db = 0.0;            // means
  double neighbour_spectral_db = 0.0;
  double companded_spectral_db = 0.0;
  int clicks = 0;
  int loud_tails = 0;  // above -70 dBFS where the recording is silent
};

// One a (present) instrument, worst mean spectral difference first, then all together.
std::vector<InstrumentSummary> summarise(const NoteCorpus& corpus,
                                         std::span<const NoteFigures> figures);

}  // namespace ondes
