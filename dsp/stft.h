// Magnitudes of the short-time Fourier transform of a whole mono signal.
//
//   frame t looks at x[t*hop - N/2 .. t*hop + N/2), zeros outside the signal, times the periodic
//   Hann window w[n] = 0.5 - 0.5 cos(2 pi n / W), centred in the N points when W < N
//   out[t][k] = | sum over n of w[n] x[...] exp(-2 pi i k n / N) |   (no scaling: a full-scale sine
//   on a bin's centre reads W/4)
//
// Shapes: S samples, N fft size, W window size, T = 1 + S / hop frames, K = N/2 + 1 bins.
//         x (S)  out (T,K)
// Set-up thread: constructor. One thread at a time: magnitudes(), which does not allocate.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/fft.h"

namespace ondes {

// w[n] = 0.5 - 0.5 cos(2 pi n / size): the period is `size`, so shifted copies sum to a constant.
std::vector<float> periodic_hann(int size);

struct StftConfig {
  int fft_size = 1024;
  int hop_samples = 256;
  int window_samples = 0;  // 0: as long as the FFT
};

class Stft {
 public:
  // Throws Error{usage} for sizes that make no sense.
  explicit Stft(const StftConfig& config);

  int bins() const noexcept { return fft_.bins(); }
  std::int64_t frames(std::int64_t samples) const noexcept { return 1 + samples / hop_samples_; }
  double window_sum() const noexcept;  // what a constant 1 reads in bin 0

  // out.size() must be frames(x.size()) * bins(); throws Error{usage} otherwise.
  void magnitudes(std::span<const float> x, std::span<float> out);
  // One frame, centred on `centre_sample`, into bins() magnitudes.
  void frame_magnitudes(std::span<const float> x, std::int64_t centre_sample, std::span<float> out);

 private:
  RealFft fft_;
  int hop_samples_;
  std::vector<float> window_;  // fft_size values, zero where a shorter window does not reach
};

}  // namespace ondes
