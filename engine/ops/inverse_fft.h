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

#include "engine/deterministic_math.h"
#include "engine/host_device.h"
#include "engine/realtime.h"

namespace ondes {

// The steps of the transform, for whoever goes through them in an order of their own (cuda/).
// re, im (N/2 + 1); cosine, sine (N): of 2 pi k / N.

struct ComplexPoint {
  float re = 0.0F;
  float im = 0.0F;
};

// Point k of the N/2 complex ones: E + i O, the spectra of the even and of the odd samples. turn: of
// 2 pi k / N.
ONDES_HOST_DEVICE inline ComplexPoint fold_half_spectrum(
    const float* re, const float* im, int k, int size, ComplexPoint turn) noexcept {
  const float scale = 1.0F / static_cast<float>(size);
  const int mirror = size / 2 - k;
  const float ar = re[k];
  const float ai = k == 0 ? 0.0F : im[k];
  const float br = re[mirror];
  const float bi = k == 0 ? 0.0F : -im[mirror];
  const float er = ar + br;
  const float ei = ai + bi;
  const float dr = ar - br;
  const float di = ai - bi;
  const float odd_r = exact::fma(dr, turn.re, -(di * turn.im));
  const float odd_i = exact::fma(dr, turn.im, di * turn.re);
  return {(er - odd_i) * scale, (ei + odd_r) * scale};
}

// a + w b and a - w b in place.
ONDES_HOST_DEVICE inline void butterfly(
    float* re, float* im, int a, int b, ComplexPoint w) noexcept {
  const float tr = exact::fma(re[b], w.re, -(im[b] * w.im));
  const float ti = exact::fma(re[b], w.im, im[b] * w.re);
  re[b] = re[a] - tr;
  im[b] = im[a] - ti;
  re[a] = re[a] + tr;
  im[a] = im[a] + ti;
}

// Sample n by the sum itself.
ONDES_HOST_DEVICE inline float summed_sample(const float* re,
                                             const float* im,
                                             int n,
                                             int size,
                                             const float* cosine,
                                             const float* sine) noexcept {
  const int half = size / 2;
  float sum = n % 2 == 0 ? re[0] + re[half] : re[0] - re[half];
  for (int k = 1; k < half; ++k) {
    const auto at = static_cast<int>(1LL * k * n % size);
    sum = exact::fma(2.0F * re[k], cosine[at], sum);
    sum = exact::fma(-2.0F * im[k], sine[at], sum);
  }
  return sum * (1.0F / static_cast<float>(size));
}

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

  // Tables: cosine and sine (N); bits of an index in reverse (N/2), for powers of two.
  std::span<const float> cosine() const noexcept { return cosine_; }
  std::span<const float> sine() const noexcept { return sine_; }
  std::span<const int> reversed() const noexcept { return reversed_; }

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
