// What mel-cepstral analysis multiplies by: the frequency transformations of SPTK and the Fourier
// transforms before or behind them, each pair as one matrix. All of them are linear, so nothing is
// approximated; a product with a matrix that lies in the cache is several times faster than a
// recursion in which every step waits for the one before.
//
//   start     ln P (K)   -> c (M+1)      half the cepstrum, warped by alpha
//   envelope  c (M+1)    -> ln |D| (K)   warped back by -alpha up to N/2, transformed
//   moments   P/|D|^2 (K) -> r (2M+1)    autocorrelation up to N/2, warped
//
// Rows are padded with zeros to whole steps of spectral::kTableStep values.
#pragma once
#include <span>
#include <vector>

namespace ondes {

// One step of Horner's scheme in the all-pass function: (g, input) -> g. Feeding c[n] .. c[0] in
// that order leaves the warped sequence in g, which has at least one number.
void warp_cepstrum_step(std::span<double> g, double input, double alpha);

struct MelCepstrumTables {
  MelCepstrumTables(int fft_size, int order, double alpha);

  int bins;                     // K
  int coefficient_stride;       // M+1, padded
  int bin_stride;               // K, padded
  int moment_stride;            // 2M+1, padded
  std::vector<float> start;     // (K, coefficient_stride)
  std::vector<float> envelope;  // (M+1, bin_stride)
  std::vector<float> moments;   // (K, moment_stride)
};

}  // namespace ondes
