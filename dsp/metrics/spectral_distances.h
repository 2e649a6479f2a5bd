// Distances of magnitude spectrograms, sample-synchronous.
//
//   R, G [t][k] = max(|STFT|, floor) of reference and generated, windows centred on t H, the signal
//                 reflected at its ends (torch.stft), periodic Hann of W centred in N points
//   spectral_convergence   ||G - R|| / ||R||                     (Frobenius; not symmetric)
//   log_magnitude          mean over t, k of | ln G - ln R |     (symmetric)
//   linear_magnitude       mean over t, k of | G - R |           (symmetric)
//   log_spectral_distance_db   mean over t of sqrt(mean over k of (20 log10(G / R))^2)  (symmetric)
//
//   multi_resolution_stft_distance = mean over resolutions of spectral_convergence + log_magnitude
//   with its defaults, auraloss 0.4.0's freq.MultiResolutionSTFTLoss()(generated, reference);
//   not invariant to a common gain either, by the same floor
//
// What each depends on: all of them on N, H, W and the floor; linear_magnitude on the level too;
// the log distances on the floor wherever a spectrum reaches it, so quote it (the parameter string
// does). The floor is absolute, as auraloss's is: none of these is invariant to a common gain. What
// lies below the floor in both counts as equal, and the quieter the pair, the more does: a quiet
// pair reads smaller, so compare pairs at one level only.
//
// Shapes: S samples, N fft size, H hop, W window, T = 1 + S/H frames, K = N/2 + 1 bins.
// Throws Error{usage} if the lengths differ (cut first, and say so) or sizes make no sense, and
// Error{bad_input} for NaN, infinity and samples beyond 1e6. Fewer than N/2 + 1 samples cannot be
// reflected: no value, with a reason. Any thread; allocates per call.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsp/metrics/measured.h"

namespace ondes {

struct SpectralResolution {
  int fft_size = 1024;
  int hop_samples = 256;
  int window_samples = 1024;
};

struct SpectralDistanceOptions {
  SpectralResolution resolution;
  double magnitude_floor = 1e-4;  // auraloss's sqrt(1e-8)
};

struct SpectralDistances {
  std::int64_t frames = 0;
  Measured spectral_convergence;  // none where the reference is silent
  Measured log_magnitude;
  Measured linear_magnitude;
  Measured log_spectral_distance_db;
};

// All of one resolution: the spectrograms are computed once.
SpectralDistances spectral_distances(std::span<const float> reference,
                                     std::span<const float> generated,
                                     const SpectralDistanceOptions& options = {});

struct MultiResolutionOptions {
  std::vector<SpectralResolution> resolutions = {
      {1024, 120, 600}, {2048, 240, 1200}, {512, 50, 240}};
  double magnitude_floor = 1e-4;
};

struct MultiResolutionStftDistance {
  Measured value;
  std::vector<SpectralDistances> per_resolution;
};

MultiResolutionStftDistance multi_resolution_stft_distance(
    std::span<const float> reference,
    std::span<const float> generated,
    const MultiResolutionOptions& options = {});

// Everything the numbers depend on, in one line.
std::string parameters_of(const SpectralDistanceOptions& options);
std::string parameters_of(const MultiResolutionOptions& options);

}  // namespace ondes
