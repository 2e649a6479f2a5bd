#include "models/training/discriminators_torch.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr double kMagnitudePowerFloor = 1e-8;  // a smooth root at silence

[[noreturn]] void refuse(const std::string& field,
                         const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::usage,
              "discriminators: " + field + ": expected " + expected + ", found " + found);
}

void check(const DiscriminatorsConfig& config) {
  if (config.periods.empty() && config.scales == 0 && config.resolutions.empty()) {
    refuse("periods, scales, resolutions", "at least one", "none");
  }
  for (const int period : config.periods) {
    if (period < 1) {
      refuse("periods", "1 or more", std::to_string(period));
    }
  }
  if (config.period_channels < 1) {
    refuse("period_channels", "1 or more", std::to_string(config.period_channels));
  }
  if (config.scales < 0 || config.scales > 8) {
    refuse("scales", "0 to 8", std::to_string(config.scales));
  }
  if (config.scale_channels < 16 || config.scale_channels % 16 != 0) {
    refuse("scale_channels", "a multiple of 16", std::to_string(config.scale_channels));
  }
  if (config.resolution_channels < 1) {
    refuse("resolution_channels", "1 or more", std::to_string(config.resolution_channels));
  }
}

std::vector<DiscriminatorConvImpl::Shape> period_shapes(int c) {
  return {{1, c, {5}, {3}, 1},           {c, 4 * c, {5}, {3}, 1},
          {4 * c, 16 * c, {5}, {3}, 1},  {16 * c, 32 * c, {5}, {3}, 1},
          {32 * c, 32 * c, {5}, {1}, 1}, {32 * c, 1, {3}, {1}, 1}};
}

std::vector<DiscriminatorConvImpl::Shape> scale_shapes(int c) {
  return {{1, c, {15}, {1}, 1},          {c, c, {41}, {2}, 4},
          {c, 2 * c, {41}, {2}, 16},     {2 * c, 4 * c, {41}, {4}, 16},
          {4 * c, 8 * c, {41}, {4}, 16}, {8 * c, 8 * c, {41}, {1}, 16},
          {8 * c, 8 * c, {5}, {1}, 1},   {8 * c, 1, {3}, {1}, 1}};
}

std::vector<DiscriminatorConvImpl::Shape> resolution_shapes(int c) {  // (frames, bins)
  return {{1, c, {3, 9}, {1, 1}, 1}, {c, c, {3, 9}, {1, 2}, 1}, {c, c, {3, 9}, {1, 2}, 1},
          {c, c, {3, 9}, {1, 2}, 1}, {c, c, {3, 3}, {1, 1}, 1}, {c, 1, {3, 3}, {1, 1}, 1}};
}

}  // namespace

DiscriminatorConvImpl::DiscriminatorConvImpl(const Shape& shape)
    : strides_(shape.strides), groups_(shape.groups) {
  std::vector<std::int64_t> sizes = {shape.out, shape.in / shape.groups};
  double fan_in = shape.in / shape.groups;
  for (const std::int64_t taps : shape.taps) {
    sizes.push_back(taps);
    padding_.push_back(taps / 2);
    fan_in *= static_cast<double>(taps);
  }
  // PyTorch's own initialisation of convolutions: uniform within 1 / sqrt(fan in).
  const double bound = 1.0 / std::sqrt(fan_in);
  direction = register_parameter("direction", torch::empty(sizes).uniform_(-bound, bound));
  gain = register_parameter("gain", torch::norm_except_dim(direction.detach(), 2, 0));
  bias = register_parameter("bias", torch::empty({shape.out}).uniform_(-bound, bound));
}

torch::Tensor DiscriminatorConvImpl::forward(const torch::Tensor& x) {
  const torch::Tensor weight = torch::_weight_norm(direction, gain, 0);
  return strides_.size() == 1 ? torch::conv1d(x, weight, bias, strides_, padding_, 1, groups_)
                              : torch::conv2d(x, weight, bias, strides_, padding_, 1, groups_);
}

DiscriminatorsImpl::DiscriminatorsImpl(const DiscriminatorsConfig& config)
    : periods_(config.periods) {
  check(config);
  for (const int period : config.periods) {
    period_stacks_.push_back(
        make_stack("period_" + std::to_string(period), period_shapes(config.period_channels)));
  }
  for (int s = 0; s < config.scales; ++s) {
    scale_stacks_.push_back(
        make_stack("scale_" + std::to_string(s), scale_shapes(config.scale_channels)));
  }
  for (std::size_t r = 0; r < config.resolutions.size(); ++r) {
    const SpectrogramShape& shape = config.resolutions[r];
    spectrograms_.emplace_back(shape, shape.fft_size / 2, kMagnitudePowerFloor);
    resolution_stacks_.push_back(make_stack("resolution_" + std::to_string(r),
                                            resolution_shapes(config.resolution_channels)));
    resolution_stacks_.back().slope = 0.2;
  }
}

int DiscriminatorsImpl::min_samples(const DiscriminatorsConfig& config) {
  int samples = 1 << std::max(0, config.scales + 1);
  for (const int period : config.periods) {
    samples = std::max(samples, 2 * period);
  }
  for (const SpectrogramShape& shape : config.resolutions) {
    samples = std::max(samples, shape.fft_size / 2 + 1);
  }
  return samples;
}

DiscriminatorsImpl::Stack DiscriminatorsImpl::make_stack(
    const std::string& name, const std::vector<DiscriminatorConvImpl::Shape>& shapes) {
  Stack stack;
  for (std::size_t l = 0; l < shapes.size(); ++l) {
    stack.layers.push_back(
        register_module(name + "_" + std::to_string(l), DiscriminatorConv(shapes[l])));
  }
  return stack;
}

Judgement DiscriminatorsImpl::judge(Stack& stack, torch::Tensor x) {
  Judgement outputs;
  for (std::size_t l = 0; l < stack.layers.size(); ++l) {
    x = stack.layers[l](x);
    if (l + 1 < stack.layers.size()) {
      x = torch::leaky_relu(x, stack.slope);
    }
    outputs.push_back(x);
  }
  return outputs;
}

// (B, T) -> (B p, 1, T / p): a column of the fold is a signal of its own. The end is reflected up to
// a whole number of rows.
torch::Tensor DiscriminatorsImpl::folded(const torch::Tensor& audio, int period) const {
  const std::int64_t batch = audio.size(0);
  const std::int64_t missing = (period - audio.size(1) % period) % period;
  const torch::Tensor whole =
      missing == 0 ? audio : torch::reflection_pad1d(audio.unsqueeze(1), {0, missing}).squeeze(1);
  return whole.view({batch, -1, period}).transpose(1, 2).reshape({batch * period, 1, -1});
}

std::vector<Judgement> DiscriminatorsImpl::forward(const torch::Tensor& audio) {
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < periods_.size(); ++i) {
    Judgement judgement = judge(period_stacks_[i], folded(audio, periods_[i]));
    for (torch::Tensor& layer : judgement) {  // (B p, C, T') -> (B, p, C, T')
      layer = layer.unflatten(0, {audio.size(0), periods_[i]});
    }
    judgements.push_back(std::move(judgement));
  }
  torch::Tensor signal = audio.unsqueeze(1);
  for (std::size_t s = 0; s < scale_stacks_.size(); ++s) {
    if (s > 0) {
      signal = torch::avg_pool1d(signal, 4, 2, 2);
    }
    judgements.push_back(judge(scale_stacks_[s], signal));
  }
  for (std::size_t r = 0; r < spectrograms_.size(); ++r) {
    judgements.push_back(
        judge(resolution_stacks_[r], spectrograms_[r](audio).transpose(1, 2).unsqueeze(1)));
  }
  return judgements;
}

torch::Tensor discriminator_loss(const std::vector<Judgement>& both) {
  torch::Tensor sum;
  for (const Judgement& judgement : both) {
    const std::vector<torch::Tensor> halves = judgement.back().chunk(2, 0);
    const torch::Tensor loss = (1.0 - halves[0]).square().mean() + halves[1].square().mean();
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum;
}

torch::Tensor generator_loss(const std::vector<Judgement>& generated) {
  torch::Tensor sum;
  for (const Judgement& judgement : generated) {
    const torch::Tensor loss = (1.0 - judgement.back()).square().mean();
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum;
}

torch::Tensor feature_matching_loss(const std::vector<Judgement>& recorded,
                                    const std::vector<Judgement>& generated) {
  torch::Tensor sum;
  for (std::size_t d = 0; d < recorded.size(); ++d) {
    for (std::size_t l = 0; l < recorded[d].size(); ++l) {
      const torch::Tensor loss = torch::l1_loss(generated[d][l], recorded[d][l].detach());
      sum = sum.defined() ? sum + loss : loss;
    }
  }
  return sum;
}

}  // namespace ondes
