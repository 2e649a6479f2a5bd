// How far one pitch track is from another, frame by frame.
//
// N frames; V = voiced in both; e = 1200 log2(generated / reference) cents
//   rmse_cents      sqrt(mean of e^2 over V)
//   bias_cents      mean of e over V
//   median_abs_cents  median of |e| over V
//   gpe             share of V with |generated / reference - 1| > 0.2        (gross pitch error)
//   vuv_error       share of N voiced in exactly one of them
//   ffe             (gross errors + voicing errors) / N                      (F0 frame error;
//                   W. Chu, A. Alwan, ICASSP 2009)
//   voicing_precision, _recall, _f1   of "the generated frame is voiced", the reference is right
//   correlation     Pearson's, of the frequencies in Hz over V
//
// Symmetric but for sign: bias. Not symmetric: gpe, ffe (the reference divides), precision, recall.
// A value that has no frames to be taken over has a reason instead. A frame is voiced where hz > 0.
//
// Any thread.
#pragma once
#include <cstdint>
#include <span>

#include "dsp/metrics/measured.h"
#include "dsp/pitch_track.h"

namespace ondes {

struct F0Metrics {
  std::int64_t frames = 0;
  std::int64_t reference_voiced = 0;
  std::int64_t generated_voiced = 0;
  std::int64_t both_voiced = 0;
  Measured rmse_cents;
  Measured bias_cents;
  Measured median_abs_cents;
  Measured gpe;
  Measured vuv_error;
  Measured ffe;
  Measured voicing_precision;
  Measured voicing_recall;
  Measured voicing_f1;
  Measured correlation;
};

// Frame t of one against frame t of the other. Throws Error{usage} if the lengths differ, and
// Error{bad_input} for NaN or infinity.
F0Metrics f0_metrics(std::span<const double> reference_hz, std::span<const double> generated_hz);

// The generated track is read at the reference's times (pitch_track_at); frames of the reference
// behind its end count as unvoiced there. A track without any frame, as trackers make of a sound
// shorter than one, says nothing about voicing: no value of the pair, with the reason.
F0Metrics f0_metrics(const PitchTrack& reference, const PitchTrack& generated);

}  // namespace ondes
