#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/nam/nam_wavenet.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr int kMaxChannels = 1024;
constexpr int kMaxTaps = 4096;
constexpr int kMaxDilation = 1 << 20;
constexpr std::size_t kMaxArrays = 16;
constexpr std::size_t kMaxLayers = 256;
constexpr int kMaxReceptiveFrames = 1 << 24;
constexpr float kLeakySlope = 0.01F;

struct ActivationRow {
  const char* name;
  MapKind kind;
};

constexpr ActivationRow kActivations[] = {
    {"Tanh", MapKind::tanh},       {"ReLU", MapKind::relu}, {"LeakyReLU", MapKind::leaky_relu},
    {"Sigmoid", MapKind::sigmoid}, {"SiLU", MapKind::silu}, {"Hardtanh", MapKind::hard_tanh},
};

// "Tanh", or {"type": "LeakyReLU", "negative_slope": 0.1}.
BlockMap activation_from_json(const json& value, const std::string& where) {
  const json named = value.is_string() ? json{{"type", value}} : value;
  JsonFields fields(named, where);
  std::vector<std::string> names;
  for (const ActivationRow& row : kActivations) {
    names.emplace_back(row.name);
  }
  BlockMap map;
  map.kind = kActivations[fields.choice("type", names)].kind;
  if (map.kind == MapKind::leaky_relu) {
    map.slope = static_cast<float>(fields.number("negative_slope", -10.0, 10.0, kLeakySlope));
  }
  fields.refuse_unknown();
  return map;
}

// A field that may stand for every layer or be a list with one entry a layer.
json of_layer(const json& value, std::size_t layer, std::size_t layers, const std::string& where) {
  if (!value.is_array()) {
    return value;
  }
  if (value.size() != layers) {
    throw Error(ErrorCode::bad_input, where + ": expected " + std::to_string(layers) +
                                          " entries, one a layer, found " +
                                          std::to_string(value.size()));
  }
  return value[layer];
}

void require_sigmoid(const json& value, const std::string& where) {
  if (!value.is_null() && activation_from_json(value, where).kind != MapKind::sigmoid) {
    throw Error(ErrorCode::bad_input, where + ": expected 'Sigmoid', found another activation");
  }
}

// Newer options, at the values that leave them out.
bool is_neutral(const std::string& key, const json& value) {
  if (value.is_null() || value == json(false)) {
    return true;
  }
  if (key == "groups_input" || key == "groups_input_mixin") {
    return value == json(1);
  }
  if (key == "layer1x1" && value.is_object()) {
    return value.value("active", false) && value.value("groups", 1) == 1;
  }
  return value.is_object() && value.contains("active") && value["active"] == json(false);
}

void read_head(const json& object, const std::string& where, JsonFields* fields, NamArray* array) {
  if (object.contains("head") && !object["head"].is_null()) {
    JsonFields head(fields->object("head"), where + ": head");
    array->head_channels = head.integer("out_channels", 1, kMaxChannels);
    array->head_taps = head.integer("kernel_size", 1, kMaxTaps, 1);
    array->head_bias = head.boolean("bias", false);
    head.refuse_unknown();
  } else {
    array->head_channels = fields->integer("head_size", 1, kMaxChannels);
    array->head_bias = fields->boolean("head_bias", false);
  }
}

void read_layers(const json& object,
                 const std::string& where,
                 JsonFields* fields,
                 NamArray* array) {
  const std::vector<int> dilations =
      fields->integers("dilations", {1, kMaxLayers}, 1, kMaxDilation);
  const std::size_t layers = dilations.size();
  const std::vector<int> taps =
      fields->has("kernel_sizes")
          ? fields->integers("kernel_sizes", {layers, layers}, 1, kMaxTaps)
          : std::vector<int>(layers, fields->integer("kernel_size", 1, kMaxTaps));
  if (!fields->has("activation")) {
    fields->refuse("activation", "a value", "nothing");
  }
  const bool gated = fields->boolean("gated", false);
  for (std::size_t l = 0; l < layers; ++l) {
    NamLayer layer{taps[l], dilations[l], {}, gated};
    const std::string place = where + ": layer " + std::to_string(l);
    layer.activation = activation_from_json(
        of_layer(object["activation"], l, layers, where + ": activation"), place + ": activation");
    if (fields->has("gating_mode")) {
      const json mode = of_layer(object["gating_mode"], l, layers, where + ": gating_mode");
      if (mode != json("gated") && mode != json("none")) {
        fields->refuse("gating_mode", "'none' or 'gated'", mode.dump());
      }
      layer.gated = mode == json("gated");
    }
    if (layer.gated && fields->has("secondary_activation")) {
      require_sigmoid(
          of_layer(object["secondary_activation"], l, layers, where + ": secondary_activation"),
          place + ": secondary_activation");
    }
    array->layers.push_back(layer);
  }
}

NamArray array_from_json(const json& object, const std::string& where) {
  JsonFields fields(object, where);
  NamArray array;
  array.input_channels = fields.integer("input_size", 1, kMaxChannels);
  if (const int condition = fields.integer("condition_size", 1, kMaxChannels); condition != 1) {
    fields.refuse("condition_size", "1: a mono capture", std::to_string(condition));
  }
  array.channels = fields.integer("channels", 1, kMaxChannels);
  array.bottleneck = fields.integer("bottleneck", 1, kMaxChannels, array.channels);
  read_head(object, where, &fields, &array);
  read_layers(object, where, &fields, &array);
  constexpr const char* kRead[] = {
      "input_size",   "condition_size", "channels",    "bottleneck",          "head",
      "head_size",    "head_bias",      "dilations",   "activation",          "kernel_size",
      "kernel_sizes", "gated",          "gating_mode", "secondary_activation"};
  for (const auto& [key, value] : object.items()) {
    const bool is_read = std::find(std::begin(kRead), std::end(kRead), key) != std::end(kRead);
    if (!is_read && !is_neutral(key, value)) {
      fields.refuse(key, "it to be left out: this option of captures is not played yet",
                    value.dump().substr(0, 80));
    }
  }
  return array;
}

void check_chain(const NamWavenetConfig& config, const std::string& name) {
  int input = 1;
  for (std::size_t a = 0; a < config.arrays.size(); ++a) {
    const NamArray& array = config.arrays[a];
    const std::string where = name + ": layers[" + std::to_string(a) + "]";
    if (array.input_channels != input) {
      throw Error(ErrorCode::bad_input, where + ": field 'input_size': expected " +
                                            std::to_string(input) + ", found " +
                                            std::to_string(array.input_channels));
    }
    if (a > 0 && array.bottleneck != config.arrays[a - 1].head_channels) {
      throw Error(ErrorCode::bad_input,
                  where + ": field 'channels': expected the head size of the array before (" +
                      std::to_string(config.arrays[a - 1].head_channels) + "), found " +
                      std::to_string(array.bottleneck));
    }
    input = array.channels;
  }
  if (config.arrays.back().head_channels != 1) {
    throw Error(ErrorCode::bad_input,
                name + ": field 'head_size' of the last array: expected 1: a mono capture, found " +
                    std::to_string(config.arrays.back().head_channels));
  }
  if (nam_receptive_frames(config) > kMaxReceptiveFrames) {
    throw Error(ErrorCode::bad_input, name + ": expected a receptive field of at most " +
                                          std::to_string(kMaxReceptiveFrames) +
                                          " samples, found more");
  }
}

}  // namespace

NamWavenetConfig nam_wavenet_config_from_json(const json& config, const std::string& name) {
  JsonFields fields(config, name);
  NamWavenetConfig result;
  const json& arrays = fields.objects("layers", {1, kMaxArrays});
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    result.arrays.push_back(
        array_from_json(arrays[a], name + ": layers[" + std::to_string(a) + "]"));
  }
  static_cast<void>(fields.number("head_scale", -1e6, 1e6, 1.0));  // the weights' last number rules
  if (const int inputs = fields.integer("in_channels", 1, kMaxChannels, 1); inputs != 1) {
    fields.refuse("in_channels", "1: a mono capture", std::to_string(inputs));
  }
  for (const auto& [key, value] : config.items()) {
    if (key != "layers" && key != "head_scale" && key != "in_channels" && !value.is_null()) {
      fields.refuse(key, "it to be left out: this option of captures is not played yet",
                    value.dump().substr(0, 80));
    }
  }
  check_chain(result, name);
  return result;
}

std::vector<NamTensor> nam_wavenet_tensors(const NamWavenetConfig& config) {
  std::vector<NamTensor> tensors;
  for (std::size_t a = 0; a < config.arrays.size(); ++a) {
    const NamArray& array = config.arrays[a];
    const std::string prefix = "arrays." + std::to_string(a) + ".";
    tensors.push_back({prefix + "rechannel.weight", {array.channels, array.input_channels, 1}});
    for (std::size_t l = 0; l < array.layers.size(); ++l) {
      const NamLayer& layer = array.layers[l];
      const std::string name = prefix + "layers." + std::to_string(l) + ".";
      const int outputs = layer.gated ? 2 * array.bottleneck : array.bottleneck;
      tensors.push_back({name + "conv.weight", {outputs, array.channels, layer.taps}});
      tensors.push_back({name + "conv.bias", {outputs}});
      tensors.push_back({name + "mixin.weight", {outputs, 1, 1}});
      tensors.push_back({name + "residual.weight", {array.channels, array.bottleneck, 1}});
      tensors.push_back({name + "residual.bias", {array.channels}});
    }
    tensors.push_back(
        {prefix + "head.weight", {array.head_channels, array.bottleneck, array.head_taps}});
    if (array.head_bias) {
      tensors.push_back({prefix + "head.bias", {array.head_channels}});
    }
  }
  tensors.push_back({"head_scale", {1}});
  return tensors;
}

int nam_receptive_frames(const NamWavenetConfig& config) {
  std::int64_t frames = 1;
  for (const NamArray& array : config.arrays) {
    for (const NamLayer& layer : array.layers) {
      frames += static_cast<std::int64_t>(layer.taps - 1) * layer.dilation;
    }
    frames += array.head_taps - 1;
  }
  return static_cast<int>(std::min<std::int64_t>(frames, std::numeric_limits<int>::max()));
}

}  // namespace ondes
