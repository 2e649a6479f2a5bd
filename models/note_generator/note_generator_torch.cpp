#include "models/note_generator/note_generator_torch.h"

#include <cmath>

namespace ondes {
namespace {

torch::Tensor dense_chain(torch::Tensor x,
                          const std::vector<torch::Tensor>& weights,
                          const std::vector<torch::Tensor>& biases,
                          torch::Tensor (*between)(const torch::Tensor&)) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    x = torch::linear(x, weights[i], biases[i]);
    if (i + 1 < weights.size()) {
      x = between(x);
    }
  }
  return x;
}

torch::Tensor relu_between(const torch::Tensor& x) {
  return torch::relu(x);
}
torch::Tensor tanh_between(const torch::Tensor& x) {
  return torch::tanh(x);
}

// The row's pitch in Hz over the sample rate, (..., 1).
torch::Tensor cycles_per_sample(const torch::Tensor& rows, int sample_rate_hz) {
  const torch::Tensor semitones = rows.narrow(-1, 0, 1) * 24.0 + 60.0;
  return 440.0 / sample_rate_hz * torch::exp2((semitones - 69.0) / 12.0);
}

void put(std::map<std::string, TensorData>* tensors,
         const std::string& name,
         const torch::Tensor& tensor) {
  const torch::Tensor t = tensor.detach().to(torch::kCPU).contiguous();
  (*tensors)[name] = tensor_from_floats({t.data_ptr<float>(), static_cast<std::size_t>(t.numel())},
                                        t.sizes().vec());
}

}  // namespace

NoteGeneratorModuleImpl::NoteGeneratorModuleImpl(const NoteGeneratorConfig& config_in,
                                                 const NoteContract& contract_in)
    : config(config_in), contract(contract_in) {
  std::vector<int> channels = config.control_channels;
  channels.push_back(config.partials + config.noise_bands);
  std::int64_t inputs = contract.row_features();
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const bool last = i + 1 == channels.size();
    // He's scale before a relu; a small last layer, so that all notes begin alike.
    const double deviation = last ? 0.01 : std::sqrt(2.0 / static_cast<double>(inputs));
    const std::string name = "controls." + std::to_string(i);
    control_weights.push_back(register_parameter("controls_" + std::to_string(i) + "_weight",
                                                 torch::randn({channels[i], inputs}) * deviation));
    control_biases.push_back(
        register_parameter("controls_" + std::to_string(i) + "_bias", torch::zeros({channels[i]})));
    inputs = channels[i];
  }
  {
    // A spectrum to start from: partials falling by 6 dB an octave over quiet noise.
    const torch::NoGradGuard no_grad;
    torch::Tensor bias = control_biases.back();
    for (int h = 0; h < config.partials; ++h) {
      bias[h] = std::log(0.1) - std::log(h + 1.0);
    }
    bias.narrow(0, config.partials, config.noise_bands).fill_(std::log(2e-3));
  }
  const std::vector<float> taps = noise_kernel(config, contract.sample_rate_hz);
  kernel = torch::tensor(taps).reshape({config.noise_taps, config.noise_bands});
}

NoteGeneratorModuleImpl::Controls NoteGeneratorModuleImpl::controls(const torch::Tensor& rows) {
  const torch::Tensor logs = dense_chain(rows, control_weights, control_biases, relu_between);
  const torch::Tensor values = torch::exp(torch::clamp_max(logs, kLargestLogAmplitude));
  const torch::Tensor harmonic = torch::arange(1, config.partials + 1, rows.options());
  const torch::Tensor place = harmonic * cycles_per_sample(rows, contract.sample_rate_hz);
  const torch::Tensor fade = torch::clamp((kPartialFadeEnd - place) / kPartialFadeWidth, 0.0, 1.0);
  return {values.narrow(-1, 0, config.partials) * fade,
          torch::matmul(values.narrow(-1, config.partials, config.noise_bands),
                        kernel.to(rows.device()).t())};
}

torch::Tensor NoteGeneratorModuleImpl::turns(const torch::Tensor& rows) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor harmonic = torch::arange(1, config.partials + 1, rows.options());
  const torch::Tensor place = harmonic * cycles_per_sample(rows, contract.sample_rate_hz);
  if (detune_weights.empty()) {
    return torch::zeros_like(place);
  }
  const torch::Tensor cents = dense_chain(rows, detune_weights, detune_biases, tanh_between);
  return place * (torch::exp2(cents / 1200.0) - 1.0);
}

torch::Tensor NoteGeneratorModuleImpl::forward(const torch::Tensor& rows, NoteSynthInput input) {
  const Controls c = controls(rows);
  input.turns = turns(rows).contiguous();
  return synthesize_note(c.amplitudes, c.taps, input);
}

std::map<std::string, TensorData> NoteGeneratorModuleImpl::export_tensors() const {
  std::map<std::string, TensorData> tensors;
  for (std::size_t i = 0; i < control_weights.size(); ++i) {
    put(&tensors, "controls." + std::to_string(i) + ".weight", control_weights[i]);
    put(&tensors, "controls." + std::to_string(i) + ".bias", control_biases[i]);
  }
  for (std::size_t i = 0; i < detune_weights.size(); ++i) {
    put(&tensors, "detune." + std::to_string(i) + ".weight", detune_weights[i]);
    put(&tensors, "detune." + std::to_string(i) + ".bias", detune_biases[i]);
  }
  put(&tensors, "noise.kernel", kernel);
  return tensors;
}

}  // namespace ondes
