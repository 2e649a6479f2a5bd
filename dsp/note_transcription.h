// From a recording of notes to a list of notes, and the measuring of notes that are known.
//
// transcribe_notes() is blind. It is a plain method that says what it does, meant for renders of
// pitched notes with harmonic partials (our voices), not for bands:
//   1. magnitudes every 10 ms (Hann, 93 ms), whitened in 30 bands with the exponent 0.33
//      (A. Klapuri, "Multiple fundamental frequency estimation by summing harmonic amplitudes",
//      ISMIR 2006)
//   2. salience of each pitch, 1/10 semitone apart: the sum of the magnitudes at its partials with
//      Klapuri's weights (hz + 52) / (h hz + 320); the strongest pitch is taken, its partials are
//      subtracted as far as they follow their neighbours smoothly, and again, while the sum of what
//      was found keeps growing
//   3. pitches in frames that follow each other are a track; the energy of its own partials (those
//      clear of other tracks'), seen every 5 ms in a short window, says where it begins (half the
//      amplitude of its attack), whether it is struck again (a rise of 6 dB), and where its release
//      begins (a fall of 6 dB in 50 ms that lasts)
// Floors of its accuracy on synthetic polyphony are demanded, and the figures printed, by
// tests/dsp/test_note_transcription.cpp.
//
// measure_notes() is told the notes and looks where they must be. A note is heard if its partials,
// those clear of the partials of notes that sound with it, stand out over the level half-way between
// partials. Of a note that is heard: the time at which the amplitude of its partials rises through
// the half (so an attack of 20 ms reads 10 ms late), the pitch by the phase its partials gain, and
// the level of its clear partials.
//
// Any thread; allocates. Throws Error{usage} for rates and ranges that make no sense, and
// Error{bad_input} for NaN or infinite samples and notes without length or pitch.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsp/note_event.h"

namespace ondes {

struct NoteTranscriptionOptions {
  double min_hz = 60.0;
  double max_hz = 2100.0;  // lowered to 0.45 of the rate
  int max_polyphony = 6;
  double min_note_s = 0.06;
  double floor_db = 40.0;  // below the loudest frame nothing is heard
};

// Ascending onsets, ties by ascending pitch.
std::vector<NoteEvent> transcribe_notes(std::span<const float> x,
                                        double sample_rate_hz,
                                        const NoteTranscriptionOptions& options = {});

struct NoteMeasuringOptions {
  double search_before_s = 0.05;  // how much too early,
  double search_after_s = 0.1;    // and too late, an onset is looked for
  double heard_db = 12.0;         // partials above the level between partials, to count as heard
  double floor_db = 60.0;         // below the loudest note nothing counts as heard
};

struct MeasuredNote {
  bool heard = false;   // or masked: then it has the benefit of the doubt, and no other value
  bool masked = false;  // no partial of its own stands clear of the notes that sound with it
  std::optional<double> onset_error_ms;  // measured minus score; positive: late
  std::optional<double> pitch_error_cents;
  std::optional<double> level_db;  // of its clear partials, re a full-scale sine
  std::string reason;              // why something above is missing; else ""
};

// One result a note of the score, in its order.
std::vector<MeasuredNote> measure_notes(std::span<const float> x,
                                        double sample_rate_hz,
                                        std::span<const NoteEvent> score,
                                        const NoteMeasuringOptions& options = {});

}  // namespace ondes
