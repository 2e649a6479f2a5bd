// What tells recordings from a generator's audio in adversarial training, and the losses of both.
//
//   multi-period      the signal folded to (T/p, p), convolutions along each column: HiFi-GAN
//                     (arXiv:2010.05646), channels c, 4c, 16c, 32c, 32c with c = period_channels
//   multi-scale       grouped convolutions on the signal and its averages by 2 and 4: MelGAN and
//                     HiFi-GAN, channels c, c, 2c, 4c, 8c, 8c, 8c with c = scale_channels
//   multi-resolution  2-D convolutions on |STFT| of several resolutions: UnivNet (arXiv:2106.07889),
//                     c = resolution_channels in every layer, strides along frequency
//
// c of 32, 128 and 32 are the published widths; a CPU wants less. All weights are weight-normed (the
// first scale too, which HiFi-GAN norms by its spectrum). Leaky ReLU, slope 0.1; 0.2 on spectra.
//
// Least squares (Mao et al., arXiv:1611.04076), summed over discriminators, x recorded, y generated:
//   discriminator  mean (1 - D(x))^2 + mean D(y)^2        generator  mean (1 - D(y))^2
//   feature matching  sum over discriminators and layers of mean |f(x) - f(y)|
//
// Audio is (B, T). Set-up thread.
#pragma once
#include <torch/torch.h>

#include <vector>

#include "models/training/spectral_losses_torch.h"

namespace ondes {

struct DiscriminatorsConfig {
  std::vector<int> periods = {2, 3, 5, 7, 11};
  int period_channels = 32;
  int scales = 3;
  int scale_channels = 128;  // a multiple of 16, for the groups
  std::vector<SpectrogramShape> resolutions = {{1024, 120, 600}, {2048, 240, 1200}, {512, 50, 240}};
  int resolution_channels = 32;
};

// What one discriminator says: every layer's output, the last of them the scores. Features first
// dimension is the batch.
using Judgement = std::vector<torch::Tensor>;

// A convolution of one or two dimensions with weight = gain * v / ||v||, a gain an output channel.
struct DiscriminatorConvImpl : torch::nn::Module {
  struct Shape {
    int in = 1;
    int out = 1;
    std::vector<std::int64_t> taps;     // one entry a dimension
    std::vector<std::int64_t> strides;  // as many
    int groups = 1;
  };
  explicit DiscriminatorConvImpl(const Shape& shape);
  // Padded by half the taps.
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor direction;  // v (O, I / groups, taps...)
  torch::Tensor gain;       // (O, 1, 1...)
  torch::Tensor bias;       // (O)

 private:
  std::vector<std::int64_t> strides_;
  std::vector<std::int64_t> padding_;
  int groups_;
};
TORCH_MODULE(DiscriminatorConv);

struct DiscriminatorsImpl : torch::nn::Module {
  // Throws Error{usage} naming what is wrong; a configuration without any discriminator is.
  explicit DiscriminatorsImpl(const DiscriminatorsConfig& config);
  // Periods first, then scales, then resolutions.
  std::vector<Judgement> forward(const torch::Tensor& audio);
  // Samples that a segment needs at least.
  static int min_samples(const DiscriminatorsConfig& config);

 private:
  struct Stack {
    std::vector<DiscriminatorConv> layers;
    double slope = 0.1;
  };
  Stack make_stack(const std::string& name,
                   const std::vector<DiscriminatorConvImpl::Shape>& shapes);
  static Judgement judge(Stack& stack, torch::Tensor x);
  torch::Tensor folded(const torch::Tensor& audio, int period) const;

  std::vector<int> periods_;
  std::vector<Spectrogram> spectrograms_;
  std::vector<Stack> period_stacks_;
  std::vector<Stack> scale_stacks_;
  std::vector<Stack> resolution_stacks_;
};
TORCH_MODULE(Discriminators);

// `both`: judgements of a batch whose first half is recorded, whose second half is generated.
torch::Tensor discriminator_loss(const std::vector<Judgement>& both);
torch::Tensor generator_loss(const std::vector<Judgement>& generated);
// No gradient goes into `recorded`.
torch::Tensor feature_matching_loss(const std::vector<Judgement>& recorded,
                                    const std::vector<Judgement>& generated);

}  // namespace ondes
