// Distance of mel-frequency cepstra, loudness (c0) left out.
//
//   d(a, b) = sqrt(sum over n = 1 .. C-1 of (a[n] - b[n])^2)
//   synchronous = mean of d over the frames that both have
//   dtw         = mean of d over the exact DTW path (within 10 s for pairs above 2^30 cells)
//
// Features: the `librosa` profile of dsp/mfcc.h (128 bands, dB, top_db 80, 20 coefficients), window
// 2048, hop 512 samples; d is in those decibels. Symmetric. Identical signals: 0. Two signals that
// differ by a gain: 0 where top_db does not cut and the floor of 1e-10 is not reached.
//
// Throws Error{usage} for a rate without profile, Error{bad_input} for NaN, infinity and samples
// beyond 1e6. No samples: no value, with a reason. Any thread; allocates per call.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsp/dtw.h"
#include "dsp/metrics/measured.h"

namespace ondes {

struct MfccDistance {
  Measured dtw_db;
  Measured synchronous_db;
  std::int64_t reference_frames = 0;
  std::int64_t generated_frames = 0;
  std::int64_t synchronous_frames = 0;
  int hop_samples = 0;
  std::vector<DtwStep> path;    // a: reference frame, b: generated frame
  std::vector<double> path_db;  // d along the path
  std::vector<double> synchronous_by_frame_db;
  std::string parameters;
};

MfccDistance mfcc_distance(std::span<const float> reference,
                           std::span<const float> generated,
                           int sample_rate_hz);

std::string mfcc_distance_parameters(int sample_rate_hz);

}  // namespace ondes
