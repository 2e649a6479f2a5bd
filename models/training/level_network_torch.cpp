#include "models/training/level_network_torch.h"

#include <cmath>
#include <numbers>

namespace ondes {
namespace {
constexpr double kDbPerNeper = 8.685889638;
}

torch::Tensor LevelNetwork::forward(torch::Tensor x) const {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    x = torch::linear(x, weights[i], biases[i]);
    if (i + 1 < weights.size()) {
      x = torch::tanh(x);
    }
  }
  return x.squeeze(-1);
}

std::map<std::string, TensorData> LevelNetwork::export_tensors() const {
  std::map<std::string, TensorData> tensors;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto put = [&](const char* kind, const torch::Tensor& tensor) {
      const torch::Tensor t = tensor.detach().contiguous();
      tensors["level." + std::to_string(i) + kind] = tensor_from_floats(
          {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}, t.sizes().vec());
    };
    put(".weight", weights[i]);
    put(".bias", biases[i]);
  }
  return tensors;
}

LevelNetwork fit_level_network(const torch::Tensor& rows,
                               const torch::Tensor& targets,
                               const LevelFitOptions& options,
                               const std::function<void(int, double)>& progress) {
  torch::manual_seed(options.seed);
  LevelNetwork network;
  std::vector<int> channels = options.channels;
  channels.push_back(1);
  std::int64_t inputs = rows.size(1);
  std::vector<torch::Tensor> parameters;
  for (const int outputs : channels) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
    network.weights.push_back(
        torch::empty({outputs, inputs}).uniform_(-bound, bound).requires_grad_());
    network.biases.push_back(torch::zeros({outputs}).requires_grad_());
    parameters.push_back(network.weights.back());
    parameters.push_back(network.biases.back());
    inputs = outputs;
  }
  {
    const torch::NoGradGuard no_grad;
    network.biases.back().fill_(targets.mean().item<float>());
  }
  torch::optim::Adam adam(parameters, torch::optim::AdamOptions(options.learning_rate));
  for (int step = 0; step < options.steps; ++step) {
    const double rate =
        options.learning_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * step / options.steps));
    static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options()).lr(rate);
    const torch::Tensor pick = torch::randint(targets.size(0), {options.batch_rows}, torch::kLong);
    const torch::Tensor error =
        network.forward(rows.index_select(0, pick)) - targets.index_select(0, pick);
    // Huber: a few rows at clicks and zone borders must not bend the rest.
    const torch::Tensor loss =
        torch::huber_loss(error, torch::zeros_like(error), at::Reduction::Mean, 0.35);
    adam.zero_grad();
    loss.backward();
    adam.step();
    if (step % 500 == 499 || step + 1 == options.steps) {
      progress(step + 1, kDbPerNeper * std::sqrt(error.square().mean().item<double>()));
    }
  }
  for (torch::Tensor& p : parameters) {
    p.requires_grad_(false);
  }
  return network;
}

}  // namespace ondes
