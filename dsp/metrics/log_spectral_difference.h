// Mean absolute log-spectral difference of two recordings, in dB.
//
//   L(M)   = 20 log10 max(M, floor),   floor = peak of the reference's magnitudes - floor_db
//   result = mean over all frames t and bins k of | L(R[t][k]) - L(G[t][k]) |
//
// R, G: STFT magnitudes (dsp/stft.h: centred, zero-padded, periodic Hann) of reference and
// generated audio. What lies below the floor in both counts as equal, so the figure is small for
// sparse spectra: compare it only with figures of the same kind of material. It is not symmetric,
// because the floor hangs on the reference. A silent reference has a floor of -140 dBFS.
//
// Any thread; allocates its work space.
#pragma once
#include <span>

namespace ondes {

struct LogSpectralDifferenceOptions {
  int fft_size = 1024;
  int hop_samples = 256;
  double floor_db = 80.0;  // below the reference's peak
};

// Throws Error{usage} if the lengths differ or are 0.
double log_spectral_difference_db(std::span<const float> reference,
                                  std::span<const float> generated,
                                  const LogSpectralDifferenceOptions& options = {});

}  // namespace ondes
