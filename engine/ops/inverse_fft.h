// Inverse discrete Fourier transform of a real signal's half spectrum.
//
//   x[n] = 1/N sum over k in [0, N) of X[k] e^(2 pi i k n / N),  X[N - k] = conj X[k]
//
// N even. Powers of two: radix-2 (Cooley and Tukey 1965) on N/2 complex points that hold the even
// and odd samples; other sizes: the sum itself. The imaginary parts of X[0] and X[N/2] are ignored.
//
// Why not FFTW: `engine` and `dsp` do not know each other, FFTW's plans pick different operations on
// different machines, and a stream must have the same bits everywhere. The twiddle factors come from
// IEEE operations alone, none from a mathematical library.
//
// Set-up thread: constructor (throws Error{usage} for an odd or non-positive size). Any thread:
// transform(); one object may serve several threads, each with its own scratch.
#pragma once
#include <span>
#include <vector>

#include "engine/realtime.h"

namespace ondes {

class InverseFft {
 public:
  InverseFft() = default;
  explicit InverseFft(int size);

  // re, im (N/2 + 1); output (N); scratch (scratch_size()).
  void transform(std::span<const float> re,
                 std::span<const float> im,
                 std::span<float> output,
                 std::span<float> scratch) const noexcept ONDES_REALTIME;

  int size() const noexcept { return size_; }
  int scratch_size() const noexcept { return size_; }

 private:
  void by_halves(std::span<const float> re,
                 std::span<const float> im,
                 std::span<float> output,
                 std::span<float> scratch) const noexcept;
  void by_sum(std::span<const float> re,
              std::span<const float> im,
              std::span<float> output) const noexcept;

  int size_ = 0;
  bool power_of_two_ = false;
  std::vector<float> cosine_;  // (N): of 2 pi k / N
  std::vector<float> sine_;
  std::vector<int> reversed_;  // (N/2): bits of the index in reverse
};

}  // namespace ondes
