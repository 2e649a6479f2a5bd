// Distances between spectra of two signals, differentiable, for training generators.
//
//   magnitude            |X| = sqrt(max(re^2 + im^2, floor)), periodic Hann window centred in the FFT
//   spectral convergence || |Y| - |X| ||_F / || |X| ||_F          of a target X and a candidate Y
//   log magnitude        mean | ln |Y| - ln |X| |
//   log-mel              mean | ln max(M |Y|, floor) - ln max(M |X|, floor) |, M a mel basis
//
// The multi-resolution STFT distance (Yamamoto, Song, Kim, arXiv:1910.11480) is the mean over
// resolutions of spectral convergence + log magnitude. Norms are taken over a whole batch, so that a
// silent segment beside sounding ones does not divide by next to nothing; for a batch of one the
// value is auraloss's.
//
// Shapes: audio (B, T); spectra (B, bins, frames), bins = N/2 + 1; mel basis (bands, bins).
// Set-up thread. Segments shorter than what a window's reflection needs: Error{usage}.
#pragma once
#include <torch/torch.h>

#include <vector>

namespace ondes {

struct SpectrogramShape {
  int fft_size = 1024;
  int hop_samples = 120;
  int window_samples = 600;
  friend bool operator==(const SpectrogramShape&, const SpectrogramShape&) = default;
};

// FFT 1024, 2048, 512; hop 120, 240, 50; window 600, 1200, 240.
std::vector<SpectrogramShape> default_stft_resolutions();

// |STFT| of one shape.
class Spectrogram {
 public:
  // `padding` samples are reflected at either end before framing: N/2 gives torch.stft's centred
  // frames, (N - hop)/2 HiFi-GAN's. What is under the root is at least `power_floor`, to which
  // `power_offset` was added first.
  Spectrogram(const SpectrogramShape& shape,
              int padding,
              double power_floor,
              double power_offset = 0.0);
  torch::Tensor operator()(const torch::Tensor& audio) const;
  const SpectrogramShape& shape() const { return shape_; }

 private:
  SpectrogramShape shape_;
  int padding_;
  double power_floor_;
  double power_offset_;
  torch::Tensor window_;  // (window_samples)
};

struct StftDistance {
  torch::Tensor spectral_convergence;  // scalars
  torch::Tensor log_magnitude;
};

class MultiResolutionStftLoss {
 public:
  explicit MultiResolutionStftLoss(const std::vector<SpectrogramShape>& resolutions);
  // Means over the resolutions. `target` takes no gradient.
  StftDistance distance(const torch::Tensor& audio, const torch::Tensor& target) const;
  // Their sum.
  torch::Tensor operator()(const torch::Tensor& audio, const torch::Tensor& target) const;

 private:
  std::vector<Spectrogram> spectrograms_;
};

// Mel spectra as a vocoder's network is fed: HiFi-GAN's framing and magnitudes.
struct LogMelShape {
  int fft_size = 1024;
  int hop_samples = 256;
  int window_samples = 1024;
  double power_offset = 1e-9;  // under the root
  double floor = 1e-5;         // of a band, before the logarithm
};

class LogMelLoss {
 public:
  // `basis` (bands, N/2 + 1).
  LogMelLoss(const LogMelShape& shape, const torch::Tensor& basis);
  torch::Tensor log_mel(const torch::Tensor& audio) const;  // (B, bands, frames), ln
  torch::Tensor operator()(const torch::Tensor& audio, const torch::Tensor& target) const;

 private:
  Spectrogram spectrogram_;
  double floor_;
  torch::Tensor basis_;
};

}  // namespace ondes
