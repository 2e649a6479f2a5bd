// Melody measures of MIREX as mir_eval.melody.evaluate computes them (agreement 1e-12): C. Raffel
// et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.
//
//   voicing_recall        share of the reference's voiced frames that the estimate calls voiced
//   voicing_false_alarm   share of its unvoiced frames that the estimate calls voiced
//   raw_pitch_accuracy    share of its voiced frames where the estimate's pitch, called voiced or
//                         not, is less than 50 cents away (strictly)
//   raw_chroma_accuracy   the same with octaves folded away
//   overall_accuracy      share of all frames that are right: voiced in both and within 50 cents,
//                         or unvoiced in both
//
// As there, frequencies become cents over 10 Hz, the estimate is drawn linearly onto the
// reference's times (constant from frame to frame where a pitch begins or ends), and its voicing is
// that of the last frame before. Where mir_eval prints 0 because there was nothing to count, there
// is a reason instead; so of tracks without any frame, a sound too short for one. Not symmetric.
//
// Any thread.
#pragma once
#include "dsp/metrics/measured.h"
#include "dsp/pitch_track.h"

namespace ondes {

struct MelodyMetrics {
  Measured voicing_recall;
  Measured voicing_false_alarm;
  Measured raw_pitch_accuracy;
  Measured raw_chroma_accuracy;
  Measured overall_accuracy;
};

// Throws Error{usage} for a tolerance that is not positive, Error{bad_input} for tracks whose times
// do not increase or that hold NaN or infinity.
MelodyMetrics melody_metrics(const PitchTrack& reference,
                             const PitchTrack& estimate,
                             double tolerance_cents = 50.0);

}  // namespace ondes
