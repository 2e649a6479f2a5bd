#include "models/note_generator/note_generator.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace {

using Shape = std::vector<std::int64_t>;

struct Network {
  std::string name;
  std::vector<int> outputs;  // one a layer
  Activation between = Activation::relu;
};

std::vector<Network> networks_of(const NoteGeneratorConfig& config) {
  std::vector<Network> networks;
  networks.push_back({"controls", config.control_channels, Activation::relu});
  networks.back().outputs.push_back(config.partials + config.noise_bands);
  if (config.has_detune) {
    networks.push_back({"detune", config.detune_channels, Activation::tanh});
    networks.back().outputs.push_back(config.partials);
  }
  networks.push_back({"level", config.level_channels, Activation::tanh});
  networks.back().outputs.push_back(1);
  return networks;
}

std::string layer_name(const std::string& network, std::size_t layer, const char* tensor) {
  return network + "." + std::to_string(layer) + "." + tensor;
}

std::vector<DenseOp> dense_layers(const SafetensorsFile& file, const Network& network, int inputs) {
  std::vector<DenseOp> layers;
  for (std::size_t i = 0; i < network.outputs.size(); ++i) {
    const int outputs = network.outputs[i];
    const bool last = i + 1 == network.outputs.size();
    layers.push_back({inputs, outputs,
                      require_f32(file, layer_name(network.name, i, "weight"), {outputs, inputs}),
                      require_f32(file, layer_name(network.name, i, "bias"), {outputs}),
                      last ? Activation::none : network.between});
    inputs = outputs;
  }
  return layers;
}

}  // namespace

std::map<std::string, Shape> note_generator_tensor_shapes(const NoteGeneratorConfig& config,
                                                          int row_features) {
  std::map<std::string, Shape> shapes;
  for (const Network& network : networks_of(config)) {
    std::int64_t inputs = row_features;
    for (std::size_t i = 0; i < network.outputs.size(); ++i) {
      shapes[layer_name(network.name, i, "weight")] = {network.outputs[i], inputs};
      shapes[layer_name(network.name, i, "bias")] = {network.outputs[i]};
      inputs = network.outputs[i];
    }
  }
  shapes["noise.kernel"] = {config.noise_taps, config.noise_bands};
  return shapes;
}

HarmonicNoisePlan compile_note_generator(const VoiceFile& voice) {
  const SafetensorsFile& file = voice.weights;
  const NoteGeneratorConfig config =
      note_generator_config_from_json(voice.description->at("config"), file.name);
  const NoteContract contract =
      note_contract_from_json(voice.description->at("features"), file.name);
  if (!contract.phase) {
    throw Error(ErrorCode::bad_input, file.name +
                                          ": features: field 'phase': expected true, since a note "
                                          "generator makes its partials from it, found false");
  }
  const auto shapes = note_generator_tensor_shapes(config, contract.row_features());
  for (const auto& [tensor, view] : file.tensors) {
    if (!shapes.contains(tensor)) {
      throw Error(ErrorCode::bad_input, file.name + ": tensor " + quote(tensor) +
                                            ": the network its config describes has none");
    }
  }
  HarmonicNoisePlan plan;
  plan.sample_rate_hz = contract.sample_rate_hz;
  plan.hop_samples = contract.hop_samples;
  plan.row_features = contract.row_features();
  plan.sample_features = contract.sample_features();
  plan.partials = config.partials;
  plan.noise_bands = config.noise_bands;
  plan.noise_taps = config.noise_taps;
  for (const Network& network : networks_of(config)) {
    std::vector<DenseOp> layers = dense_layers(file, network, plan.row_features);
    if (network.name == "controls") {
      plan.controls = std::move(layers);
    } else if (network.name == "detune") {
      plan.detune = std::move(layers);
    } else {
      plan.level = std::move(layers);
    }
  }
  plan.noise_kernel = require_f32(file, "noise.kernel", shapes.at("noise.kernel"));
  plan.storage = file.storage;
  validate(plan);
  return plan;
}

}  // namespace ondes
