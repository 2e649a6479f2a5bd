#include "models/wavenet/wavenet_torch.h"

#include <cmath>

namespace ondes {
namespace {

torch::Tensor uniform_fan_in(std::vector<std::int64_t> shape, int fan_in) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  return torch::empty(shape).uniform_(-bound, bound);
}

torch::Tensor logistic_mixture_loss(const torch::Tensor& out,
                                    const torch::Tensor& target,
                                    int components,
                                    double floor) {
  const auto parts = out.split(components, -1);
  const torch::Tensor log_weight = torch::log_softmax(parts[0], -1);
  const torch::Tensor log_scale = parts[2].clamp_min(floor);
  const torch::Tensor z = (target.unsqueeze(-1) - parts[1]) * torch::exp(-log_scale);
  // ln of the logistic density, times the bin's width: at scales above the floor the density is
  // flat across a bin of 2/65536, so this equals the difference of the cumulative functions.
  const torch::Tensor log_density = z - log_scale - 2.0 * torch::softplus(z);
  return -(torch::logsumexp(log_weight + log_density, -1) + std::log(2.0 / 65536.0));
}

torch::Tensor gaussian_loss(const torch::Tensor& out, const torch::Tensor& target, double floor) {
  const torch::Tensor log_scale = out.select(-1, 1).clamp_min(floor);
  const torch::Tensor z = (target - out.select(-1, 0)) * torch::exp(-log_scale);
  return 0.5 * z * z + log_scale + 0.9189385332 - std::log(2.0 / 65536.0);
}

// mu-law class of a sample in [-1, 1], 0..classes-1 (ITU-T G.711's curve, mu = classes - 1).
torch::Tensor mu_law_class(const torch::Tensor& x, int classes) {
  const double mu = classes - 1;
  const torch::Tensor companded =
      torch::sign(x) * torch::log1p(mu * x.abs().clamp_max(1.0)) / std::log1p(mu);
  return torch::floor((companded + 1.0) * 0.5 * mu + 0.5).clamp(0, mu).to(torch::kLong);
}

}  // namespace

WavenetBatch WavenetBatch::to(const torch::Device& device) const {
  return {previous.to(device), target.to(device),    sample_features.to(device),
          rows.to(device),     row_index.to(device), mask.to(device)};
}

WavenetModuleImpl::WavenetModuleImpl(const WavenetConfig& wavenet,
                                     int row_features,
                                     int sample_features)
    : config(wavenet) {
  const int r = config.residual_channels;
  const int g = config.gate_channels;
  const int s = config.skip_channels;
  const int a = config.head_channels;
  const int layers = static_cast<int>(config.dilations.size());
  const int outputs = config.distribution == Distribution::logistic_mixture
                          ? 3 * config.mixture_components
                      : config.distribution == Distribution::gaussian ? 2
                                                                      : config.classes;
  const bool embeds = config.input == InputKind::embedding;
  const int inputs = sample_features + (embeds ? 0 : 1);
  input_weight = register_parameter("input_weight", uniform_fan_in({r, inputs}, inputs));
  input_bias = register_parameter("input_bias", torch::zeros({r}));
  if (embeds) {
    input_embedding =
        register_parameter("input_embedding", 0.3 * torch::randn({config.classes, r}));
  }
  int c = row_features;
  for (std::size_t i = 0; i < config.encoder_channels.size(); ++i) {
    const int out = config.encoder_channels[i];
    const std::string name = "encoder_" + std::to_string(i);
    encoder_weights.push_back(register_parameter(name + "_weight", uniform_fan_in({out, c}, c)));
    encoder_biases.push_back(register_parameter(name + "_bias", torch::zeros({out})));
    c = out;
  }
  const int taps = config.taps;
  conv = register_parameter("conv", uniform_fan_in({layers, taps, 2 * g, r}, taps * r));
  conv_bias = register_parameter("conv_bias", torch::zeros({layers, 2 * g}));
  condition = register_parameter("condition", uniform_fan_in({layers, 2 * g, c}, c));
  residual = register_parameter("residual", uniform_fan_in({layers - 1, r, g}, g));
  residual_bias = register_parameter("residual_bias", torch::zeros({layers - 1, r}));
  skip = register_parameter("skip", uniform_fan_in({s, layers * g}, 2 * g));
  skip_bias = register_parameter("skip_bias", torch::zeros({s}));
  head_weight = register_parameter("head_weight", uniform_fan_in({a, s}, s));
  head_bias = register_parameter("head_bias", torch::zeros({a}));
  output_weight = register_parameter("output_weight", uniform_fan_in({outputs, a}, a));
  torch::Tensor bias = torch::zeros({outputs});
  if (config.distribution == Distribution::logistic_mixture) {
    const int m = config.mixture_components;
    bias.slice(0, m, 2 * m) = torch::linspace(-0.1, 0.1, m);
    bias.slice(0, 2 * m, 3 * m).fill_(-3.0);
  }
  output_bias = register_parameter("output_bias", bias);
}

torch::Tensor WavenetModuleImpl::input_layer(const WavenetBatch& batch) {
  if (config.input == InputKind::embedding) {
    const torch::Tensor picked =
        torch::embedding(input_embedding, mu_law_class(batch.previous, config.classes));
    return picked + torch::linear(batch.sample_features, input_weight, input_bias);
  }
  return torch::linear(torch::cat({batch.previous.unsqueeze(-1), batch.sample_features}, -1),
                       input_weight, input_bias);
}

torch::Tensor WavenetModuleImpl::projected_rows(const WavenetBatch& batch) {
  torch::Tensor c = batch.rows;
  for (std::size_t i = 0; i < encoder_weights.size(); ++i) {
    c = torch::linear(c, encoder_weights[i], encoder_biases[i]);
    c = i + 1 < encoder_weights.size() ? torch::relu(c) : torch::tanh(c);
  }
  const torch::Tensor flat = torch::linear(c, condition.flatten(0, 1), conv_bias.flatten());
  return flat.view({c.size(0), c.size(1), condition.size(0), condition.size(1)});
}

StackArguments WavenetModuleImpl::stack_arguments(const WavenetBatch& batch) {
  return {input_layer(batch),
          projected_rows(batch),
          batch.row_index,
          conv,
          residual,
          residual_bias,
          skip,
          config.dilations};
}

torch::Tensor WavenetModuleImpl::forward(const WavenetBatch& batch) {
  const StackArguments stack = stack_arguments(batch);
  const bool fused = use_fused && stack.h0.device().is_cpu();
  const torch::Tensor skips = fused ? stack_fused(stack) : stack_plain(stack);
  const torch::Tensor hidden =
      torch::relu(torch::linear(torch::relu(skips + skip_bias), head_weight, head_bias));
  return torch::linear(hidden, output_weight, output_bias);
}

std::vector<torch::Tensor> WavenetModuleImpl::hidden_layers(const WavenetBatch& batch) {
  std::vector<torch::Tensor> hidden;
  stack_plain(stack_arguments(batch), &hidden);
  return hidden;
}

torch::Tensor WavenetModuleImpl::loss(const WavenetBatch& batch) {
  const torch::Tensor out = forward(batch);
  torch::Tensor each;
  switch (config.distribution) {
    case Distribution::logistic_mixture:
      each = logistic_mixture_loss(out, batch.target, config.mixture_components,
                                   config.log_scale_floor);
      break;
    case Distribution::gaussian:
      each = gaussian_loss(out, batch.target, config.log_scale_floor);
      break;
    case Distribution::mu_law_categorical:
      each = torch::nll_loss(torch::log_softmax(out, -1).flatten(0, 1),
                             mu_law_class(batch.target, config.classes).flatten(), {},
                             at::Reduction::None)
                 .view_as(batch.target);
      break;
  }
  // A batch in which nothing counts (all of it too quiet) has a loss of zero, not 0 / 0.
  return (each * batch.mask).sum() / batch.mask.sum().clamp_min(1.0);
}

std::vector<std::pair<std::string, torch::Tensor>> WavenetModuleImpl::named_views() const {
  std::vector<std::pair<std::string, torch::Tensor>> views;
  const auto put = [&views](const std::string& name, const torch::Tensor& tensor) {
    views.emplace_back(name, tensor.detach());
  };
  put("input.weight", input_weight);
  put("input.bias", input_bias);
  if (input_embedding.defined()) {
    put("input.embedding", input_embedding);
  }
  for (std::size_t i = 0; i < encoder_weights.size(); ++i) {
    put("encoder." + std::to_string(i) + ".weight", encoder_weights[i]);
    put("encoder." + std::to_string(i) + ".bias", encoder_biases[i]);
  }
  const std::int64_t layers = conv.size(0);
  const std::int64_t g = config.gate_channels;
  for (std::int64_t l = 0; l < layers; ++l) {
    const std::string layer = "layers." + std::to_string(l) + ".";
    put(layer + "conv.weight", conv[l].permute({1, 2, 0}));  // (K, 2G, R) -> (2G, R, K)
    put(layer + "conv.bias", conv_bias[l]);
    put(layer + "condition.weight", condition[l]);
    if (l + 1 < layers) {
      put(layer + "residual.weight", residual[l]);
      put(layer + "residual.bias", residual_bias[l]);
    }
    put(layer + "skip.weight", skip.slice(1, l * g, (l + 1) * g));
  }
  put("skip.bias", skip_bias);
  put("head.weight", head_weight);
  put("head.bias", head_bias);
  put("output.weight", output_weight);
  put("output.bias", output_bias);
  return views;
}

std::map<std::string, TensorData> WavenetModuleImpl::export_tensors() const {
  std::map<std::string, TensorData> tensors;
  for (const auto& [name, view] : named_views()) {
    const torch::Tensor t = view.to(torch::kCPU, torch::kFloat32).contiguous();
    tensors[name] = tensor_from_floats({t.data_ptr<float>(), static_cast<std::size_t>(t.numel())},
                                       t.sizes().vec());
  }
  return tensors;
}

void WavenetModuleImpl::load_tensors(const SafetensorsFile& file) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, view] : named_views()) {
    const std::span<const float> values = require_f32(file, name, view.sizes().vec());
    // from_blob asks for a writable pointer; copy_ only reads it.
    view.copy_(torch::from_blob(const_cast<float*>(values.data()), view.sizes()));
  }
}

torch::Tensor stack_plain(const StackArguments& in, std::vector<torch::Tensor>* hidden) {
  const std::int64_t layers = in.conv.size(0);
  const std::int64_t taps = in.conv.size(1);
  const std::int64_t gates = in.conv.size(2) / 2;
  const torch::Tensor index =
      in.row_index.to(torch::kLong).unsqueeze(-1).expand({-1, -1, 2 * gates});
  torch::Tensor h = in.h0;
  torch::Tensor sum;
  for (std::int64_t l = 0; l < layers; ++l) {
    torch::Tensor a = in.rows.select(2, l).gather(1, index);
    for (std::int64_t k = 0; k < taps; ++k) {
      const std::int64_t delay = (taps - 1 - k) * in.dilations[static_cast<std::size_t>(l)];
      const torch::Tensor past =
          delay == 0 ? h
          : delay >= h.size(1)
              ? torch::zeros_like(h)
              : torch::constant_pad_nd(h.slice(1, 0, h.size(1) - delay), {0, 0, delay, 0});
      a = a + torch::matmul(past, in.conv[l][k].t());
    }
    const torch::Tensor z =
        torch::tanh(a.slice(-1, 0, gates)) * torch::sigmoid(a.slice(-1, gates, 2 * gates));
    const torch::Tensor part = torch::matmul(z, in.skip.slice(1, l * gates, (l + 1) * gates).t());
    sum = l == 0 ? part : sum + part;
    if (hidden != nullptr) {
      hidden->push_back(h);
      hidden->push_back(z);
    }
    if (l + 1 < layers) {
      h = h + torch::matmul(z, in.residual[l].t()) + in.residual_bias[l];
    }
  }
  return sum;
}

}  // namespace ondes
