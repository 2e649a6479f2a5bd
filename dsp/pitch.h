// Fundamental frequency by YIN (A. de Cheveigne, H. Kawahara, "YIN, a fundamental frequency
// estimator for speech and music", JASA 111(4), 2002).
//
//   d(tau)  = sum over j < W of (x[j] - x[j + tau])^2                        difference, eq. 6
//   d'(tau) = d(tau) / ((1/tau) * sum over 0 < i <= tau of d(i)),  d'(0) = 1  eq. 8
//   period  = the first local minimum of d' below the threshold, else the deepest one
//
// Minima are read from a parabola through three points. A period of few samples is then measured
// once more over several periods (the minimum of d near m * period, divided by m), because the
// parabola's error is a fixed part of a sample, whatever the lag.
//
// Only frames that lie wholly inside the signal are made. One call allocates its result and two
// small work arrays; there is no state, so any thread may call it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace ondes {

struct PitchOptions {
  double min_hz = 40.0;
  double max_hz = 5000.0;
  double threshold = 0.1;  // of d', the paper's value
  int hop_samples = 256;
  int window_samples = 0;  // W; 0: two periods of min_hz
};

struct PitchFrame {
  std::int64_t centre_sample = 0;
  double hz = 0.0;            // 0 where nothing was found (silence, a constant)
  double aperiodicity = 1.0;  // d' at the period: 0 purely periodic; above ~0.2 hz is a guess
};

// Throws Error{usage} unless 0 < min_hz < max_hz <= rate/2 and the sizes are positive.
// Empty if the signal is shorter than one frame (pitch_frame_samples()).
std::vector<PitchFrame> track_pitch(std::span<const float> x,
                                    double sample_rate_hz,
                                    const PitchOptions& options = {});

// Samples that one frame looks at.
std::int64_t pitch_frame_samples(double sample_rate_hz, const PitchOptions& options = {});

}  // namespace ondes
