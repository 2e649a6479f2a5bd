#include "models/nam/nam_lstm.h"

#include <nlohmann/json.hpp>

#include "engine/files/json_fields.h"
#include "models/nam/nam_weights_internal.h"

namespace ondes {
namespace {

constexpr int kMaxLayers = 16;
constexpr int kMaxHidden = 1024;
constexpr int kMaxPrewarmSamples = 1 << 20;

std::string layer_prefix(int layer) {
  return "layers." + std::to_string(layer) + ".";
}

}  // namespace

NamLstmConfig nam_lstm_config_from_json(const nlohmann::json& config, const std::string& name) {
  JsonFields fields(config, name);
  NamLstmConfig result;
  result.layers = fields.integer("num_layers", 1, kMaxLayers);
  result.hidden = fields.integer("hidden_size", 1, kMaxHidden);
  for (const char* key : {"input_size", "in_channels", "out_channels"}) {
    if (const int channels = fields.integer(key, 1, kMaxHidden, 1); channels != 1) {
      fields.refuse(key, "1: a mono capture", std::to_string(channels));
    }
  }
  result.prewarm_samples = fields.integer("prewarm_samples", 0, kMaxPrewarmSamples, 1);
  fields.refuse_unknown();
  return result;
}

std::vector<NamTensor> nam_lstm_tensors(const NamLstmConfig& config) {
  std::vector<NamTensor> tensors;
  for (int l = 0; l < config.layers; ++l) {
    const std::string prefix = layer_prefix(l);
    tensors.push_back({prefix + "input_weight", {4 * config.hidden, l == 0 ? 1 : config.hidden}});
    tensors.push_back({prefix + "hidden_weight", {4 * config.hidden, config.hidden}});
    tensors.push_back({prefix + "bias", {4 * config.hidden}});
    tensors.push_back({prefix + "initial_hidden", {config.hidden}});
    tensors.push_back({prefix + "initial_cell", {config.hidden}});
  }
  tensors.push_back({"head.weight", {1, config.hidden, 1}});
  tensors.push_back({"head.bias", {1}});
  return tensors;
}

BlockPlan compile_nam_lstm(const VoiceFile& voice) {
  const NamLstmConfig config =
      nam_lstm_config_from_json(voice.description->at("config"), voice.weights.name + ": config");
  const NamWeights weights(voice.weights, nam_lstm_tensors(config));
  BlockPlan plan;
  plan.sample_rate_hz = voice.sample_rate_hz;
  plan.prewarm_frames = config.prewarm_samples;
  plan.storage = voice.weights.storage;
  plan.values = {{1, {1, 1}, "input"}, {config.hidden, {1, 1}, "lstm"}, {1, {1, 1}, "head"}};
  plan.inputs = {0};
  plan.output = 2;
  BlockLstm lstm;
  lstm.input = 0;
  lstm.output = 1;
  for (int l = 0; l < config.layers; ++l) {
    const std::string prefix = layer_prefix(l);
    BlockLstmLayer layer;
    layer.inputs = l == 0 ? 1 : config.hidden;
    layer.hidden = config.hidden;
    layer.input_weights = weights.get(prefix + "input_weight");
    layer.hidden_weights = weights.get(prefix + "hidden_weight");
    layer.bias = weights.get(prefix + "bias");
    layer.initial_hidden = weights.get(prefix + "initial_hidden");
    layer.initial_cell = weights.get(prefix + "initial_cell");
    lstm.layers.push_back(layer);
  }
  BlockConv head;
  head.input = 1;
  head.weights = weights.get("head.weight");
  head.bias = weights.get("head.bias");
  head.to.output = 2;
  plan.ops = {lstm, head};
  validate(plan);
  return plan;
}

}  // namespace ondes
