// Mel-cepstral analysis: the mel-cepstrum c whose spectrum is the maximum-likelihood envelope of a
// periodogram P (K. Tokuda et al., "Mel-generalized cepstral analysis", ICSLP 1994; SPTK `mcep`).
//
//   ln |D(w)| = sum over m = 0 .. M of c[m] cos(m b(w))
//   b(w)      = w + 2 atan(a sin w / (1 - a cos w))              the all-pass function's phase
//   c minimises the mean over w of  P(w) / |D(w)|^2 + 2 ln |D(w)|,  by Newton's method from the
//   warped cepstrum of P
//
// It stops as SPTK does: when the first warped autocorrelation of P / |D|^2 changed by less than
// `threshold` of itself since the comparison before (from iteration `min_iterations` on), or after
// `max_iterations`. With max_iterations = 0 the result is the warped cepstrum. The first comparison
// is SPTK's too: with half the mean of ln P, a log gain, so that a frame now and then (one of 1,700
// of speech) ends early because the two happen to agree. `sptk_first_comparison = false` leaves that
// one out: then no gain changes where a frame ends.
//
// What SPTK refuses (a periodogram with zeros and no epsilon) is floored at 1e-30 of full scale
// here, so that digital silence gives finite numbers.
//
// Shapes: N fft size, K = N/2 + 1 bins, M order, S samples, T frames.
//         power (K)  c (M+1)  x (S)  out (T,M+1)
// Set-up thread: constructors. One thread at a time: everything else; no frame costs an
// allocation.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/views.h"

namespace ondes {

// The a whose all-pass function is nearest to the mel scale 1000 log2(1 + f / 1000), in steps of
// .001: 8k .312, 16k .410, 22.05k .455, 24k .466, 32k .504, 44.1k .544, 48k .554.
// Throws Error{usage} for rates that are not positive.
double alpha_for_rate(double sample_rate_hz);

// Frequency transformation (SPTK freqt): the cepstrum `c` of any length, warped by the all-pass
// constant `alpha`, into as many coefficients as `out` has. mc2c is the same with -alpha.
void freqt(std::span<const double> c, double alpha, std::span<double> out);

// Cepstrum of a power spectrum of K bins, warped (pysptk.sp2mc): no iteration.
// Throws Error{usage} for fewer than 3 bins, and unless all of P are finite and more than 0.
void sp2mc(std::span<const double> power, double alpha, std::span<double> mc);
// Back: the power spectrum |D|^2 at K bins (pysptk.mc2sp).
void mc2sp(std::span<const double> mc, double alpha, std::span<double> power);

// SPTK's windows: symmetric, w[n] = a0 - a1 cos(2 pi n / (W-1)) + a2 cos(4 pi n / (W-1)), divided
// by sqrt(sum of w^2) unless `normalisation` says otherwise.
enum class SptkWindow { blackman, hamming, hanning };
enum class SptkNormalisation { none, power, magnitude };
std::vector<double> sptk_window(SptkWindow window,
                                int size,
                                SptkNormalisation normalisation = SptkNormalisation::power);

struct MelCepstrumConfig {
  enum class Epsilon { none, added, floor_db };  // SPTK's etype 0, 1, 2
  enum class Padding { none, centre_zero };      // T = 1 + (S - W)/H, or 1 + S/H

  int order = 24;
  double alpha = 0.455;
  int fft_size = 1024;
  int min_iterations = 2;
  int max_iterations = 30;
  double threshold = 1e-3;
  bool sptk_first_comparison = true;
  Epsilon epsilon_kind = Epsilon::none;
  double epsilon = 0.0;  // added to the periodogram, or the floor below its greatest, in dB (< 0)

  // Of whole signals.
  int window_samples = 1024;  // at most fft_size
  int hop_samples = 256;
  SptkWindow window = SptkWindow::blackman;
  SptkNormalisation normalisation = SptkNormalisation::power;
  Padding padding = Padding::none;
  double sample_scale = 1.0;  // 32768 for tools that read int16
};

class MelCepstrum {
 public:
  // Throws Error{usage} for numbers that make no sense.
  explicit MelCepstrum(const MelCepstrumConfig& config);
  ~MelCepstrum();
  MelCepstrum(MelCepstrum&& other) noexcept;
  MelCepstrum& operator=(MelCepstrum&& other) noexcept;

  const MelCepstrumConfig& config() const noexcept;
  int coefficients() const noexcept { return config().order + 1; }
  int bins() const noexcept { return config().fft_size / 2 + 1; }
  std::int64_t frames(std::int64_t samples) const noexcept;

  // One frame, windowed already: at most N samples.
  void analyze_windowed(std::span<const double> samples, std::span<double> mc);
  // One periodogram (SPTK's itype 4; square an amplitude spectrum for itype 3).
  void analyze_power(std::span<const double> power, std::span<double> mc);

  // The whole signal. out must be (frames(S), M+1); throws Error{usage} otherwise, and for samples
  // that are not finite.
  void analyze(std::span<const float> x, Frames out);
  std::vector<float> analyze(std::span<const float> x);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondes
