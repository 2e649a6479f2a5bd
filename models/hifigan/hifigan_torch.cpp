#include "models/hifigan/hifigan_torch.h"

#include <cmath>

#include "engine/error.h"
#include "models/hifigan/alias_free_filter.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

namespace functional = torch::nn::functional;

constexpr double kSlope = 0.1;
constexpr double kLastSlope = 0.01;  // the published code leaves it at leaky_relu's default

torch::Tensor uniform(const std::vector<std::int64_t>& shape, double bound) {
  return torch::empty(shape).uniform_(-bound, bound);
}

torch::Tensor norm_over_rest(const torch::Tensor& weight) {
  return weight.flatten(1).norm(2, 1).view({-1, 1, 1});
}

NormedConvOptions same_length_conv(std::vector<std::int64_t> shape,
                                   int dilation,
                                   bool weight_norm) {
  NormedConvOptions options;
  options.padding = static_cast<int>(shape.back() - 1) / 2 * dilation;
  options.shape = std::move(shape);
  options.dilation = dilation;
  options.weight_norm = weight_norm;
  return options;
}

torch::Tensor as_tensor(std::span<const float> values, torch::IntArrayRef shape) {
  // from_blob asks for a writable pointer; the copies made of it only read.
  return torch::from_blob(const_cast<float*>(values.data()), shape);
}

}  // namespace

NormedConvImpl::NormedConvImpl(const NormedConvOptions& conv) : options(conv) {
  // PyTorch's default initialization: the fan-in of a transposed convolution is counted over its
  // second dimension too.
  const auto fan_in = static_cast<double>(options.shape[1] * options.shape[2]);
  const double bound = 1.0 / std::sqrt(fan_in);
  const torch::Tensor initial = uniform(options.shape, bound);
  if (options.weight_norm) {
    weight_g = register_parameter("weight_g", norm_over_rest(initial));
  }
  weight_v = register_parameter(options.weight_norm ? "weight_v" : "weight", initial);
  if (options.bias) {
    bias = register_parameter(
        "bias", uniform({options.transposed ? options.shape[1] : options.shape[0]}, bound));
  }
}

torch::Tensor NormedConvImpl::weight() const {
  return options.weight_norm ? torch::_weight_norm(weight_v, weight_g, 0) : weight_v;
}

void NormedConvImpl::set_weight(const torch::Tensor& value) {
  weight_v.copy_(value);
  if (options.weight_norm) {
    weight_g.copy_(norm_over_rest(value));
  }
}

torch::Tensor NormedConvImpl::forward(const torch::Tensor& x) {
  if (options.transposed) {
    return torch::conv_transpose1d(x, weight(), bias, options.stride, options.padding);
  }
  return torch::conv1d(x, weight(), bias, options.stride, options.padding, options.dilation);
}

AliasFreeSnakeImpl::AliasFreeSnakeImpl(const HifiganConfig& config, int channels)
    : logscale(config.snake_logscale) {
  const auto parameters = register_module("act", std::make_shared<torch::nn::Module>());
  const torch::Tensor initial = logscale ? torch::zeros({channels}) : torch::ones({channels});
  alpha = parameters->register_parameter("alpha", initial.clone());
  beta = config.activation == HifiganActivation::snakebeta
             ? parameters->register_parameter("beta", initial.clone())
             : alpha;
  const auto taps = alias_free_filter();
  filter = register_buffer("filter", as_tensor(taps, {1, 1, kAliasFreeTaps}).clone());
}

torch::Tensor AliasFreeSnakeImpl::forward(const torch::Tensor& x) {
  const std::int64_t channels = x.size(1);
  const torch::Tensor taps = filter.expand({channels, -1, -1});
  const auto replicate = [](const torch::Tensor& signal, std::int64_t left, std::int64_t right) {
    return functional::pad(signal,
                           functional::PadFuncOptions({left, right}).mode(torch::kReplicate));
  };
  torch::Tensor up = 2.0 * torch::conv_transpose1d(replicate(x, kAliasFreeUpPad, kAliasFreeUpPad),
                                                   taps, {}, 2, 0, 0, channels);
  up = up.slice(2, kAliasFreeUpTrim, -kAliasFreeUpTrim);
  torch::Tensor a = alpha.view({1, -1, 1});
  torch::Tensor b = beta.view({1, -1, 1});
  if (logscale) {
    a = a.exp();
    b = b.exp();
  }
  up = up + torch::sin(up * a).square() / (b + 1e-9);
  const torch::Tensor padded = replicate(up, kAliasFreeDownPadLeft, kAliasFreeDownPadRight);
  return torch::conv1d(padded, taps, {}, 2, torch::IntArrayRef{0}, 1, channels);
}

HifiganModuleImpl::HifiganModuleImpl(const HifiganConfig& hifigan, bool weight_norm)
    : config(hifigan) {
  const int initial = config.upsample_initial_channel;
  conv_pre_ = register_module(
      "conv_pre", NormedConv(same_length_conv({initial, config.mel_bands, 7}, 1, weight_norm)));
  add_upsampling(weight_norm);
  resblock_list_ = register_module("resblocks", torch::nn::ModuleList());
  for (int s = 0; s < config.stages(); ++s) {
    for (std::size_t j = 0; j < config.resblock_kernel_sizes.size(); ++j) {
      resblocks_.push_back(add_resblock(config.stage_channels(s), j, weight_norm));
    }
  }
  const int channels = config.stage_channels(config.stages() - 1);
  if (config.has_snake()) {
    activation_post_ = register_module("activation_post", AliasFreeSnake(config, channels));
  }
  const int outputs = config.has_istft() ? config.istft_fft_size + 2 : 1;
  NormedConvOptions post = same_length_conv({outputs, channels, 7}, 1, weight_norm);
  post.bias = config.use_bias_at_final;
  conv_post_ = register_module("conv_post", NormedConv(post));
  if (config.speakers != 0) {
    speakers_ = register_parameter("speakers",
                                   torch::randn({config.speakers, config.speaker_channels}) * 0.1);
    cond_ = register_module(
        "cond", NormedConv(same_length_conv({initial, config.speaker_channels, 1}, 1, false)));
  }
  if (config.has_istft()) {
    istft_window_ = register_buffer("istft_window", torch::hann_window(config.istft_fft_size));
  }
}

void HifiganModuleImpl::add_upsampling(bool weight_norm) {
  const auto list = register_module("ups", torch::nn::ModuleList());
  int channels = config.upsample_initial_channel;
  for (int s = 0; s < config.stages(); ++s) {
    const auto stage = static_cast<std::size_t>(s);
    NormedConvOptions options;
    options.transposed = true;
    options.weight_norm = weight_norm;
    options.stride = config.upsample_rates[stage];
    options.padding = (config.upsample_kernel_sizes[stage] - options.stride) / 2;
    options.shape = {channels, config.stage_channels(s), config.upsample_kernel_sizes[stage]};
    ups_.emplace_back(options);
    if (config.has_snake()) {  // BigVGAN's list of one
      list->push_back(torch::nn::ModuleList(ups_.back()));
    } else {
      list->push_back(ups_.back());
    }
    channels = config.stage_channels(s);
  }
}

HifiganModuleImpl::Resblock HifiganModuleImpl::add_resblock(int channels,
                                                            std::size_t kernel,
                                                            bool weight_norm) {
  const auto module = std::make_shared<torch::nn::Module>();
  const int taps = config.resblock_kernel_sizes[kernel];
  Resblock block;
  torch::nn::ModuleList first;
  torch::nn::ModuleList second;
  torch::nn::ModuleList activations;
  for (const int dilation : config.resblock_dilation_sizes[kernel]) {
    block.first.emplace_back(same_length_conv({channels, channels, taps}, dilation, weight_norm));
    first->push_back(block.first.back());
    if (config.resblock == 1) {
      block.second.emplace_back(same_length_conv({channels, channels, taps}, 1, weight_norm));
      second->push_back(block.second.back());
    }
  }
  for (std::size_t a = 0; config.has_snake() && a < block.first.size() + block.second.size(); ++a) {
    block.activations.emplace_back(config, channels);
    activations->push_back(block.activations.back());
  }
  module->register_module(config.resblock == 1 ? "convs1" : "convs", first);
  if (config.resblock == 1) {
    module->register_module("convs2", second);
  }
  if (config.has_snake()) {
    module->register_module("activations", activations);
  }
  resblock_list_->push_back(module);
  return block;
}

torch::Tensor HifiganModuleImpl::run_resblock(Resblock& block, torch::Tensor x) {
  std::size_t next = 0;
  const auto act = [&](const torch::Tensor& y) {
    return config.has_snake() ? block.activations[next++]->forward(y)
                              : torch::leaky_relu(y, kSlope);
  };
  for (std::size_t m = 0; m < block.first.size(); ++m) {
    torch::Tensor y = block.first[m]->forward(act(x));
    if (config.resblock == 1) {
      y = block.second[m]->forward(act(y));
    }
    x = y + x;
  }
  return x;
}

torch::Tensor HifiganModuleImpl::run_head(const torch::Tensor& x) {
  if (!config.has_istft()) {
    const torch::Tensor y = conv_post_->forward(
        config.has_snake() ? activation_post_->forward(x) : torch::leaky_relu(x, kLastSlope));
    return config.use_tanh_at_final ? torch::tanh(y) : torch::clamp(y, -1.0, 1.0);
  }
  const torch::Tensor padded = functional::pad(
      torch::leaky_relu(x, kLastSlope), functional::PadFuncOptions({1, 0}).mode(torch::kReflect));
  const torch::Tensor y = conv_post_->forward(padded);
  const std::int64_t bins = config.istft_fft_size / 2 + 1;
  const torch::Tensor spectrum =
      torch::polar(torch::exp(y.slice(1, 0, bins)), torch::sin(y.slice(1, bins)));
  return torch::istft(spectrum, config.istft_fft_size, config.istft_hop_samples,
                      config.istft_fft_size, istft_window_)
      .unsqueeze(1);
}

torch::Tensor HifiganModuleImpl::forward(const torch::Tensor& mel, const torch::Tensor& speaker) {
  torch::Tensor x = conv_pre_->forward(mel);
  if (config.speakers != 0) {
    if (!speaker.defined()) {
      throw Error(ErrorCode::usage, "HiFi-GAN: expected a speaker for each clip, found none");
    }
    x = x + cond_->forward(torch::embedding(speakers_, speaker).unsqueeze(-1));
  }
  const std::size_t kernels = config.resblock_kernel_sizes.size();
  for (std::size_t s = 0; s < ups_.size(); ++s) {
    x = ups_[s]->forward(config.has_snake() ? x : torch::leaky_relu(x, kSlope));
    torch::Tensor sum;
    for (std::size_t j = 0; j < kernels; ++j) {
      const torch::Tensor y = run_resblock(resblocks_[s * kernels + j], x);
      sum = j == 0 ? y : sum + y;
    }
    x = sum / static_cast<double>(kernels);
  }
  return run_head(x);
}

std::vector<std::pair<std::string, NormedConv>> HifiganModuleImpl::named_convs() const {
  std::vector<std::pair<std::string, NormedConv>> convs{{"conv_pre", conv_pre_},
                                                        {"conv_post", conv_post_}};
  if (config.speakers != 0) {
    convs.emplace_back("cond", cond_);
  }
  for (std::size_t s = 0; s < ups_.size(); ++s) {
    convs.emplace_back(hifigan_ups_name(config, static_cast<int>(s)), ups_[s]);
  }
  for (std::size_t n = 0; n < resblocks_.size(); ++n) {
    const Resblock& block = resblocks_[n];
    const std::string name = "resblocks." + std::to_string(n) + ".";
    for (std::size_t m = 0; m < block.first.size(); ++m) {
      const std::string place = "." + std::to_string(m);
      convs.emplace_back(name + (config.resblock == 1 ? "convs1" : "convs") + place,
                         block.first[m]);
      if (config.resblock == 1) {
        convs.emplace_back(name + "convs2" + place, block.second[m]);
      }
    }
  }
  return convs;
}

std::vector<std::pair<std::string, torch::Tensor>> HifiganModuleImpl::named_plain() const {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const auto& [name, conv] : named_convs()) {
    if (conv->bias.defined()) {
      tensors.emplace_back(name + ".bias", conv->bias);
    }
  }
  const auto put_snake = [&](const std::string& name, const AliasFreeSnake& snake) {
    tensors.emplace_back(name + ".act.alpha", snake->alpha);
    if (config.activation == HifiganActivation::snakebeta) {
      tensors.emplace_back(name + ".act.beta", snake->beta);
    }
  };
  for (std::size_t n = 0; n < resblocks_.size(); ++n) {
    for (std::size_t a = 0; a < resblocks_[n].activations.size(); ++a) {
      put_snake("resblocks." + std::to_string(n) + ".activations." + std::to_string(a),
                resblocks_[n].activations[a]);
    }
  }
  if (config.has_snake()) {
    put_snake("activation_post", activation_post_);
  }
  if (config.speakers != 0) {
    tensors.emplace_back("emb_g.weight", speakers_);
  }
  return tensors;
}

std::map<std::string, TensorData> HifiganModuleImpl::export_tensors() const {
  const torch::NoGradGuard no_grad;
  std::map<std::string, TensorData> tensors;
  const auto put = [&](const std::string& name, const torch::Tensor& tensor) {
    const torch::Tensor t = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
    tensors[name] = tensor_from_floats({t.data_ptr<float>(), static_cast<std::size_t>(t.numel())},
                                       t.sizes().vec());
  };
  for (const auto& [name, conv] : named_convs()) {
    put(name + ".weight", conv->weight());
  }
  for (const auto& [name, tensor] : named_plain()) {
    put(name, tensor);
  }
  return tensors;
}

void HifiganModuleImpl::load_tensors(const SafetensorsFile& file) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, conv] : named_convs()) {
    const std::vector<std::int64_t>& shape = conv->options.shape;
    conv->set_weight(as_tensor(require_f32(file, name + ".weight", shape), shape));
  }
  for (auto& [name, tensor] : named_plain()) {
    tensor.copy_(as_tensor(require_f32(file, name, tensor.sizes().vec()), tensor.sizes()));
  }
}

}  // namespace ondes
