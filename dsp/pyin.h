// Fundamental frequency by probabilistic YIN (M. Mauch, S. Dixon, "pYIN: a fundamental frequency
// estimator using probabilistic threshold distributions", ICASSP 2014), with the choices of
// librosa.pyin, so that tracks can be compared with those that people have.
//
//   1. d'(tau) of YIN (dsp/pitch.h, eq. 8) of every frame
//   2. every threshold s of 0.01 .. 1 (100 of them, weighted by a beta distribution) votes for the
//      troughs of d' below it, early ones more (Boltzmann); a threshold without a trough votes for
//      the deepest with a small probability
//   3. votes fall into pitch bins of 0.1 semitone; what no trough won is the unvoiced part
//   4. the most probable way through voiced and unvoiced bins (Viterbi; a pitch moves at most
//      max_transition_rate octaves a second, a voicing flips with probability switch_probability)
//
// Frame t is centred on sample t * hop; the signal is zero outside. A signal of S samples gives
// 1 + S / hop frames, but one shorter than a frame gives none: most of what a frame would then
// look at is that zero (librosa answers, with anything). The pitch is a bin's centre: a grid of 10 cents, as librosa's is.
//
// track_pitch_yin is plain YIN from the same d', with the choices of librosa.yin: the first trough
// of d' below the threshold, else its deepest point. dsp/pitch.h is the more exact one (it measures
// short periods again); this one is for comparing with tracks that people have.
//
// Any thread; allocates.
#pragma once
#include <span>

#include "dsp/pitch_track.h"

namespace ondes {

struct PyinOptions {
  double min_hz = 65.406391325149658;  // C2
  double max_hz = 2093.0045224047904;  // C7
  int frame_samples = 2048;
  int hop_samples = 512;
  int thresholds = 100;
  double beta_a = 2.0;
  double beta_b = 18.0;
  double boltzmann = 2.0;
  double resolution_semitones = 0.1;
  double max_transition_rate = 35.92;  // octaves a second
  double switch_probability = 0.01;
  double no_trough_probability = 0.01;
};

// hz is 0 where the way runs through unvoiced bins; voiced_probability is that of step 3.
// Throws Error{usage} unless 0 < min_hz < max_hz <= rate/2, a period of min_hz fits into a
// frame and the sizes are positive; Error{bad_input} for NaN or infinite samples.
// A signal shorter than frame_samples gives an empty track.
PitchTrack track_pitch_pyin(std::span<const float> x,
                            double sample_rate_hz,
                            const PyinOptions& options = {});

struct YinOptions {
  double min_hz = 65.406391325149658;
  double max_hz = 2093.0045224047904;
  int frame_samples = 2048;
  int hop_samples = 512;
  double threshold = 0.1;
};

// Frames, shortest signal and errors as above. |hz| is librosa's in every frame; it is negative, a
// guess for an unvoiced frame, where no trough of d' is below the threshold (librosa does not tell
// these apart). No voiced_probability.
PitchTrack track_pitch_yin(std::span<const float> x,
                           double sample_rate_hz,
                           const YinOptions& options = {});

}  // namespace ondes
