// The short-time Fourier transform of a whole mono signal: magnitudes, or complex frames and back.
//
//   frame t looks at x[t*hop - N/2 .. t*hop + N/2), zeros outside the signal, times the periodic
//   Hann window w[n] = 0.5 - 0.5 cos(2 pi n / W), centred in the N points when W < N
//   out[t][k] = | sum over n of w[n] x[...] exp(-2 pi i k n / N) |   (no scaling: a full-scale sine
//   on a bin's centre reads W/4)
//
// The inverse adds the windowed frames up and divides by the sum of the squared windows, which
// makes it the least-squares signal (Griffin and Lim 1984), and the signal itself where the frames
// were not changed:
//
//   x[n] = sum over t of w[n - tH + N/2] ifft(frame t)[n - tH + N/2] / sum over t of w[...]^2
//
// Shapes: S samples, N fft size, W window size, T = 1 + S / hop frames, K = N/2 + 1 bins.
//         x (S)  out (T,K)
// Set-up thread: constructor. One thread at a time: everything else, which does not allocate.
#pragma once
#include <complex>
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
  // The same frames with their phases; out as above.
  void transform(std::span<const float> x, std::span<std::complex<float>> out);
  // One frame, centred on `centre_sample`, into bins() magnitudes.
  void frame_magnitudes(std::span<const float> x, std::int64_t centre_sample, std::span<float> out);
  // The same, squared.
  void frame_powers(std::span<const float> x, std::int64_t centre_sample, std::span<float> out);

 private:
  // Leaves the frame's spectrum in fft_.output().
  void transform_frame(std::span<const float> x, std::int64_t centre_sample) noexcept;
  std::size_t checked_frames(std::span<const float> x, std::size_t values) const;

  RealFft fft_;
  int hop_samples_;
  std::vector<float> window_;  // fft_size values, zero where a shorter window does not reach
};

class InverseStft {
 public:
  // Throws Error{usage} for sizes that make no sense, and for windows with gaps between them.
  explicit InverseStft(const StftConfig& config);

  int bins() const noexcept { return fft_.bins(); }
  // The most samples that T frames determine: (T - 1) H + min(H, W/2), 0 for none.
  std::int64_t samples(std::int64_t frames) const noexcept;

  // `frames` is (T,K); x gets the first x.size() samples, at most samples(T). Throws Error{usage}
  // for other sizes.
  void transform(std::span<const std::complex<float>> frames, std::span<float> x);

 private:
  InverseRealFft fft_;
  int hop_samples_;
  int window_samples_;
  std::vector<float> window_;  // as in Stft
};

}  // namespace ondes
