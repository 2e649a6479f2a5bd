// Bands of a mel filterbank, applied to the bins of a spectrum.
//
//   band[m] = sum over k of w[m][k] s[k]
//   w[m][k] = max(0, min((u(f_k) - e_m) / (e_{m+1} - e_m), (e_{m+2} - u(f_k)) / (e_{m+2} - e_{m+1})))
//
// with M + 2 edges e at equal distances in mel from fmin to fmax. Scales:
//   slaney  3 f / 200 below 1 kHz, 15 + 27 ln(f / 1000) / ln 6.4 above (Auditory Toolbox; librosa);
//           triangles over frequency: e in Hz, u(f) = f
//   htk     2595 log10(1 + f / 700); triangles over frequency (torchaudio)
//   kaldi   1127 ln(1 + f / 700); triangles over mel: e in mel, u(f) = mel(f)
// Norm `slaney` multiplies a band by 2 / (its upper edge - its lower edge), in Hz.
//
// Only the bins a band touches are stored. A band's sum has a fixed order of its own.
//
// Shapes: K = N/2 + 1 bins, M bands.  s (K)  band (M)
// Set-up thread: constructor. Any thread: everything else; apply() does not allocate.
#pragma once
#include <span>
#include <vector>

#include "engine/realtime.h"

namespace ondes {

struct MelBankConfig {
  enum class Scale { slaney, htk, kaldi };
  enum class Norm { none, slaney };

  int sample_rate_hz = 22050;
  int fft_size = 1024;
  int mels = 80;
  double fmin_hz = 0.0;
  double fmax_hz = 8000.0;
  Scale scale = Scale::slaney;
  Norm norm = Norm::slaney;
};

// A band's weights: `steps` steps of MelFilterbank::kStep bins from `first_bin` on.
struct MelBand {
  int first_bin = 0;
  int steps = 0;
  std::size_t first_weight = 0;  // among those of all bands
};

class MelFilterbank {
 public:
  // Values beyond the bins that apply() may read: its sums go in steps of that many.
  static constexpr int kStep = 8;

  // Throws Error{usage} for numbers that make no sense.
  explicit MelFilterbank(const MelBankConfig& config);

  int mels() const noexcept { return static_cast<int>(bands_.size()); }
  int bins() const noexcept { return bins_; }
  // Bands that touch no bin and always read 0: too many bands for the FFT.
  int empty_bands() const noexcept;

  // spectrum.size() must be at least bins() + kStep, finite beyond the bins; bands.size() mels().
  void apply(std::span<const float> spectrum, std::span<float> bands) const noexcept ONDES_REALTIME;

  // w[m][k] in full, (M,K): for tests and for looking at.
  std::vector<float> dense() const;

 private:
  int bins_;
  std::vector<MelBand> bands_;
  std::vector<float> weights_;  // every band's, padded with zeros to whole steps
};

}  // namespace ondes
