#include "models/training/spectral_losses_torch.h"

#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

// Under the root, so that silence has a finite logarithm and a gradient of zero (auraloss's value).
constexpr double kPowerFloor = 1e-8;
// For mel recipes without an offset: the root's slope at zero is infinite. Far below any mel floor.
constexpr double kMelPowerFloor = 1e-14;

}  // namespace

std::vector<SpectrogramShape> default_stft_resolutions() {
  return {{1024, 120, 600}, {2048, 240, 1200}, {512, 50, 240}};
}

Spectrogram::Spectrogram(const SpectrogramShape& shape,
                         int padding,
                         double power_floor,
                         double power_offset)
    : shape_(shape), padding_(padding), power_floor_(power_floor), power_offset_(power_offset) {
  if (shape.fft_size < 2 || shape.fft_size % 2 != 0 || shape.hop_samples < 1 ||
      shape.window_samples < 1 || shape.window_samples > shape.fft_size || padding < 0) {
    throw Error(ErrorCode::usage,
                "spectrogram: expected an even FFT size, a hop and a window of at most the FFT "
                "size, found " +
                    std::to_string(shape.fft_size) + ", " + std::to_string(shape.hop_samples) +
                    ", " + std::to_string(shape.window_samples));
  }
  window_ = torch::hann_window(shape.window_samples);
}

torch::Tensor Spectrogram::operator()(const torch::Tensor& audio) const {
  const std::int64_t samples = audio.size(-1);
  if (samples <= padding_ || samples + 2 * padding_ < shape_.fft_size) {
    throw Error(ErrorCode::usage, "spectrogram of FFT size " + std::to_string(shape_.fft_size) +
                                      ": expected segments of more than " +
                                      std::to_string(std::max(padding_, shape_.fft_size / 2)) +
                                      " samples, found " + std::to_string(samples));
  }
  const torch::Tensor padded =
      padding_ == 0 ? audio
                    : torch::reflection_pad1d(audio.unsqueeze(1), {padding_, padding_}).squeeze(1);
  const torch::Tensor spectrum =
      torch::stft(padded, shape_.fft_size, shape_.hop_samples, shape_.window_samples,
                  window_.to(audio.device()), false, true, true);
  torch::Tensor power = torch::view_as_real(spectrum).square().sum(-1);
  if (power_offset_ > 0.0) {
    power = power + power_offset_;
  }
  return power.clamp_min(power_floor_).sqrt();
}

MultiResolutionStftLoss::MultiResolutionStftLoss(const std::vector<SpectrogramShape>& resolutions) {
  for (const SpectrogramShape& shape : resolutions) {
    spectrograms_.emplace_back(shape, shape.fft_size / 2, kPowerFloor);
  }
}

StftDistance MultiResolutionStftLoss::distance(const torch::Tensor& audio,
                                               const torch::Tensor& target) const {
  StftDistance sum{torch::zeros({}, audio.options()), torch::zeros({}, audio.options())};
  const double share = 1.0 / static_cast<double>(spectrograms_.size());
  for (const Spectrogram& spectrogram : spectrograms_) {
    const torch::Tensor y = spectrogram(audio);
    torch::Tensor x;
    {
      const torch::NoGradGuard no_grad;
      x = spectrogram(target);
    }
    sum.spectral_convergence =
        sum.spectral_convergence + share * torch::norm(x - y) / torch::norm(x);
    sum.log_magnitude = sum.log_magnitude + share * torch::l1_loss(y.log(), x.log());
  }
  return sum;
}

torch::Tensor MultiResolutionStftLoss::operator()(const torch::Tensor& audio,
                                                  const torch::Tensor& target) const {
  const StftDistance d = distance(audio, target);
  return d.spectral_convergence + d.log_magnitude;
}

LogMelLoss::LogMelLoss(const LogMelShape& shape, const torch::Tensor& basis)
    : spectrogram_({shape.fft_size, shape.hop_samples, shape.window_samples},
                   (shape.fft_size - shape.hop_samples) / 2,
                   kMelPowerFloor,
                   shape.power_offset),
      floor_(shape.floor),
      basis_(basis) {
  if (basis.dim() != 2 || basis.size(1) != shape.fft_size / 2 + 1) {
    throw Error(ErrorCode::usage, "mel basis: expected (bands, " +
                                      std::to_string(shape.fft_size / 2 + 1) + "), found " +
                                      c10::str(basis.sizes()));
  }
}

torch::Tensor LogMelLoss::log_mel(const torch::Tensor& audio) const {
  return torch::matmul(basis_.to(audio.device()), spectrogram_(audio)).clamp_min(floor_).log();
}

torch::Tensor LogMelLoss::operator()(const torch::Tensor& audio,
                                     const torch::Tensor& target) const {
  torch::Tensor wanted;
  {
    const torch::NoGradGuard no_grad;
    wanted = log_mel(target);
  }
  return torch::l1_loss(log_mel(audio), wanted);
}

}  // namespace ondes
