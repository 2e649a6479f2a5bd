#include "models/wavenet/wavenet.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"

namespace ondes {
namespace {

using Shape = std::vector<std::int64_t>;
using Shapes = std::map<std::string, Shape>;

constexpr const char* kCalibrationTensor = "calibration.residual_absmax";

// What the plan's spans point into.
struct Storage {
  std::shared_ptr<const void> file;
  std::vector<std::shared_ptr<const AlignedArray<float>>> repacked;
};

int output_channels(const WavenetConfig& config) {
  switch (config.distribution) {
    case Distribution::mu_law_categorical:
      return config.classes;
    case Distribution::logistic_mixture:
      return 3 * config.mixture_components;
    case Distribution::gaussian:
      return 2;
  }
  return 0;
}

std::string layer_name(std::size_t layer, const char* tensor) {
  return "layers." + std::to_string(layer) + "." + tensor;
}

std::string dense_name(const std::string& network, std::size_t layer, const char* tensor) {
  return network + "." + std::to_string(layer) + "." + tensor;
}

// Outputs of the level network's layers: the hidden ones and the one number.
std::vector<int> level_outputs(const WavenetConfig& config) {
  std::vector<int> outputs;
  if (config.has_level) {
    outputs = config.level_channels;
    outputs.push_back(1);
  }
  return outputs;
}

void add_dense_shapes(const std::string& network,
                      int inputs,
                      const std::vector<int>& outputs,
                      Shapes* shapes) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    (*shapes)[dense_name(network, i, "weight")] = {outputs[i], inputs};
    (*shapes)[dense_name(network, i, "bias")] = {outputs[i]};
    inputs = outputs[i];
  }
}

// Takes tensors by name out of a file, in the shapes the configuration gives.
class Weights {
 public:
  Weights(const SafetensorsFile& file, Shapes shapes) : file_(file), shapes_(std::move(shapes)) {
    for (const auto& [tensor, view] : file.tensors) {
      if (tensor != kCalibrationTensor && !shapes_.contains(tensor)) {
        throw Error(ErrorCode::bad_input, file.name + ": tensor " + quote(tensor) +
                                              ": the network its config describes has none");
      }
    }
  }

  std::span<const float> get(const std::string& tensor) const {
    return require_f32(file_, tensor, shapes_.at(tensor));
  }

  // PyTorch's (2G, R, K) as the plan's (K, 2G, R), in memory of its own.
  std::span<const float> get_conv(const std::string& tensor, Storage* storage) const {
    const std::span<const float> source = get(tensor);
    const Shape& shape = shapes_.at(tensor);
    const auto taps = static_cast<std::size_t>(shape[2]);
    const std::size_t matrix = source.size() / taps;  // 2G * R
    const auto target = std::make_shared<AlignedArray<float>>(source.size());
    for (std::size_t i = 0; i < matrix; ++i) {
      for (std::size_t k = 0; k < taps; ++k) {
        (*target)[k * matrix + i] = source[i * taps + k];
      }
    }
    storage->repacked.push_back(target);
    return std::as_const(*target).span();
  }

  DenseOp get_dense(const std::string& name, Activation activation) const {
    const Shape& shape = shapes_.at(name + ".weight");
    return {static_cast<int>(shape[1]), static_cast<int>(shape[0]), get(name + ".weight"),
            get(name + ".bias"), activation};
  }

  // Layers `network`.0, `network`.1, ...: `hidden` after each but the last.
  std::vector<DenseOp> get_network(const std::string& network,
                                   std::size_t layers,
                                   Activation hidden,
                                   Activation last) const {
    std::vector<DenseOp> result;
    for (std::size_t i = 0; i < layers; ++i) {
      result.push_back(
          get_dense(network + "." + std::to_string(i), i + 1 == layers ? last : hidden));
    }
    return result;
  }

  std::span<const float> get_calibration(std::size_t layers) const {
    if (!file_.tensors.contains(kCalibrationTensor)) {
      return {};
    }
    const auto values = require_f32(file_, kCalibrationTensor, {static_cast<std::int64_t>(layers)});
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(values[i] > 0.0F)) {
        throw Error(ErrorCode::bad_input, file_.name + ": tensor '" + kCalibrationTensor +
                                              "': expected positive numbers, found " +
                                              std::to_string(values[i]) + " at index " +
                                              std::to_string(i));
      }
    }
    return values;
  }

 private:
  const SafetensorsFile& file_;
  Shapes shapes_;
};

StepPlan build_plan(const WavenetConfig& config,
                    int sample_rate_hz,
                    int row_features,
                    int sample_features,
                    const SafetensorsFile& file) {
  const Weights weights(file, wavenet_tensor_shapes(config, row_features, sample_features));
  const auto storage = std::make_shared<Storage>();
  storage->file = file.storage;

  StepPlan plan;
  plan.sample_rate_hz = sample_rate_hz;
  plan.residual_channels = config.residual_channels;
  plan.gate_channels = config.gate_channels;
  plan.skip_channels = config.skip_channels;
  plan.head_channels = config.head_channels;
  plan.conditioning_channels =
      config.encoder_channels.empty() ? row_features : config.encoder_channels.back();
  plan.taps = config.taps;
  plan.row_features = row_features;
  plan.sample_features = sample_features;

  plan.input = config.input;
  plan.input_weights = weights.get("input.weight");
  plan.input_bias = weights.get("input.bias");
  if (config.input == InputKind::embedding) {
    plan.input_embedding = weights.get("input.embedding");
  }
  plan.encoder = weights.get_network("encoder", config.encoder_channels.size(), Activation::relu,
                                     Activation::tanh);
  for (std::size_t l = 0; l < config.dilations.size(); ++l) {
    GatedLayer layer;
    layer.dilation_samples = config.dilations[l];
    layer.conv = weights.get_conv(layer_name(l, "conv.weight"), storage.get());
    layer.conv_bias = weights.get(layer_name(l, "conv.bias"));
    layer.conditioning = weights.get(layer_name(l, "condition.weight"));
    if (l + 1 < config.dilations.size()) {
      layer.residual = weights.get(layer_name(l, "residual.weight"));
      layer.residual_bias = weights.get(layer_name(l, "residual.bias"));
    }
    layer.skip = weights.get(layer_name(l, "skip.weight"));
    plan.layers.push_back(layer);
  }
  plan.skip_bias = weights.get("skip.bias");
  plan.head = weights.get_dense("head", Activation::relu);
  plan.output = weights.get_dense("output", Activation::none);

  plan.distribution = config.distribution;
  plan.mixture_components =
      config.distribution == Distribution::logistic_mixture ? config.mixture_components : 0;
  plan.classes = config.distribution == Distribution::mu_law_categorical ? config.classes : 0;
  plan.log_scale_floor = config.log_scale_floor;
  plan.level = weights.get_network("level", level_outputs(config).size(), Activation::tanh,
                                   Activation::none);
  plan.residual_absmax = weights.get_calibration(config.dilations.size());
  plan.storage = storage;
  validate(plan);
  return plan;
}

}  // namespace

Shapes wavenet_tensor_shapes(const WavenetConfig& config, int row_features, int sample_features) {
  const std::int64_t r = config.residual_channels;
  const std::int64_t g = config.gate_channels;
  const std::int64_t s = config.skip_channels;
  const std::int64_t a = config.head_channels;
  const std::int64_t o = output_channels(config);
  const std::int64_t c =
      config.encoder_channels.empty() ? row_features : config.encoder_channels.back();
  Shapes shapes;
  if (config.input == InputKind::embedding) {
    shapes["input.embedding"] = {config.classes, r};
    shapes["input.weight"] = {r, sample_features};
  } else {
    shapes["input.weight"] = {r, 1 + sample_features};
  }
  shapes["input.bias"] = {r};
  add_dense_shapes("encoder", row_features, config.encoder_channels, &shapes);
  for (std::size_t l = 0; l < config.dilations.size(); ++l) {
    shapes[layer_name(l, "conv.weight")] = {2 * g, r, config.taps};
    shapes[layer_name(l, "conv.bias")] = {2 * g};
    shapes[layer_name(l, "condition.weight")] = {2 * g, c};
    if (l + 1 < config.dilations.size()) {
      shapes[layer_name(l, "residual.weight")] = {r, g};
      shapes[layer_name(l, "residual.bias")] = {r};
    }
    shapes[layer_name(l, "skip.weight")] = {s, g};
  }
  shapes["skip.bias"] = {s};
  shapes["head.weight"] = {a, s};
  shapes["head.bias"] = {a};
  shapes["output.weight"] = {o, a};
  shapes["output.bias"] = {o};
  add_dense_shapes("level", row_features, level_outputs(config), &shapes);
  add_wavenet_upsampling_shapes(config.upsampling, row_features, &shapes);
  return shapes;
}

StepPlan compile_wavenet(const VoiceFile& voice) {
  const std::string& file = voice.weights.name;
  const WavenetConfig config = wavenet_config_from_json(voice.description->at("config"), file);
  static_cast<void>(compile_wavenet_upsampling(voice));  // refuses what is wrong with it
  const nlohmann::json& features = voice.description->at("features");
  if (features.at("kind") == "mel") {  // a row is a mel frame; nothing comes at the sample rate
    return build_plan(config, voice.sample_rate_hz, mel_contract_from_json(features, file).mels, 0,
                      voice.weights);
  }
  const NoteContract contract = note_contract_from_json(features, file);
  return build_plan(config, voice.sample_rate_hz, contract.row_features(),
                    contract.sample_features(), voice.weights);
}

StepPlan random_wavenet(const WavenetConfig& config,
                        int sample_rate_hz,
                        int row_features,
                        int sample_features,
                        std::uint64_t seed) {
  // Through a file's bytes, so that benches and tests compile the way voices do.
  const auto bytes = std::make_shared<const std::vector<std::byte>>(
      write_safetensors({}, random_wavenet_tensors(config, row_features, sample_features, seed)));
  SafetensorsFile file = parse_safetensors(*bytes, "random wavenet");
  file.storage = bytes;
  return build_plan(config, sample_rate_hz, row_features, sample_features, file);
}

}  // namespace ondes
