// Precision, recall and F-measure of a list of notes against the notes that were meant, as
// mir_eval.transcription.evaluate computes them (agreement 1e-12).
//
// A reference and an estimated note can be a pair if
//   onset    |difference| <= onset_tolerance_s
//   pitch    |1200 log2(estimate / reference)| <= pitch_tolerance_cents
//   offset   |difference| <= max(offset_min_tolerance_s, offset_ratio * reference's duration)
// (times are compared after rounding the difference to 0.1 ms, as there), and the pairs that count
// are a largest set in which no note stands twice (Hopcroft and Karp 1973).
//
//   precision = pairs / estimated, recall = pairs / reference, F = their harmonic mean
//   average_overlap_ratio = mean over the pairs of intersection / union of the two notes in time
//
// Swapping the lists swaps precision and recall, except for the offset rule, which looks at the
// reference's durations. Without notes on a side the values that divide by it have a reason; F is 0
// when only one side is empty.
//
// Any thread.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/metrics/measured.h"
#include "dsp/note_event.h"

namespace ondes {

struct NoteMatchOptions {
  double onset_tolerance_s = 0.05;
  double pitch_tolerance_cents = 50.0;
  double offset_min_tolerance_s = 0.05;
  double offset_ratio = 0.2;
};

struct NotePair {
  std::int32_t reference = 0;
  std::int32_t estimate = 0;
};

struct NoteScore {
  Measured precision;
  Measured recall;
  Measured f_measure;
  Measured average_overlap_ratio;
  std::vector<NotePair> pairs;  // ascending in `reference`
};

struct NoteMetrics {
  NoteScore onset;        // onset alone
  NoteScore onset_pitch;  // onset and pitch: "note" without offsets, mir_eval's _no_offset
  NoteScore note;         // onset, pitch and offset
  NoteScore offset;       // offset alone
};

// Throws Error{bad_input} for a note without length, a frequency that is not positive, or NaN;
// Error{usage} for negative tolerances.
NoteMetrics note_metrics(std::span<const NoteEvent> reference,
                         std::span<const NoteEvent> estimate,
                         const NoteMatchOptions& options = {});

}  // namespace ondes
