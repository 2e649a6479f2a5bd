// Mel-frequency cepstral coefficients of mono audio: log-mels, a cosine transform, a lifter.
//
//   c_t[n] = l[n] s[n] sum over m of y_t[m] cos(pi n (m + 1/2) / M)
//   s[n]   = sqrt(2/M), and s[0] = sqrt(1/M) (an orthonormal DCT-II) or sqrt(2/M) (SPTK, HTK)
//   l[n]   = 1 + L/2 sin(pi n / L)        (HTK; Kaldi and SPTK use it)
//            1 + L/2 sin(pi (n + 1) / L)  (librosa)
//
// Profiles, each at any sample rate:
//   librosa  librosa.feature.mfcc: power mels 128, dB with top_db 80 over the whole, 20 coefficients
//   kaldi    compute-mfcc-feats --use-energy=false (as torchaudio.compliance.kaldi.mfcc): int16
//            scale, 25/10 ms, Povey's window, pre-emphasis .97, DC removed, 23 bands from 20 Hz,
//            13 coefficients, lifter 22, no dither
//   sptk     SPTK 3.9 `mfcc -w 0 -a .97 -e 1 -n 20 -m 12 -c 22 -0`: int16 scale, 25/10 ms, Hamming,
//            amplitudes, c0 first (SPTK writes it last), unliftered as every lifter leaves it
//
// Shapes: S samples, T frames, M mels, C coefficients.  x (S)  out (T,C)
// Set-up thread: constructor. One thread at a time: everything else.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/log_mel.h"
#include "engine/views.h"

namespace ondes {

struct MfccConfig {
  enum class Lifter { none, htk, librosa };
  enum class Scale { orthonormal, uniform };  // what s[0] is

  MelConfig mel;
  int coefficients = 20;
  Scale scale = Scale::orthonormal;
  Lifter lifter = Lifter::none;
  double lifter_length = 22.0;  // L
};

// Nothing for other names. Throws Error{usage} for a rate at which the profile has no window.
std::optional<MfccConfig> mfcc_profile(std::string_view name, int sample_rate_hz);
const std::vector<std::string>& mfcc_profile_names();

class Mfcc {
 public:
  // Throws Error{usage} for numbers that make no sense.
  explicit Mfcc(const MfccConfig& config);

  const MfccConfig& config() const noexcept { return config_; }
  int coefficients() const noexcept { return config_.coefficients; }
  std::int64_t frames(std::int64_t samples) const noexcept { return log_mel_.frames(samples); }

  // The whole signal. out must be (frames(S), C); throws Error{usage} otherwise.
  void analyze(std::span<const float> x, Frames out);
  std::vector<float> analyze(std::span<const float> x);

 private:
  MfccConfig config_;
  LogMel log_mel_;
  std::vector<float> transform_;  // (M, C padded): l[n] s[n] cos(...)
};

}  // namespace ondes
