#include "models/nam/nam_wavenet.h"

#include <map>
#include <nlohmann/json.hpp>

#include "models/nam/nam_weights_internal.h"

namespace ondes {
namespace {

constexpr BlockRate kSampleRate{1, 1};

// Appends values and operations to a plan whose value 0 is the input signal.
class Builder {
 public:
  Builder(const NamWavenetConfig& config, const NamWeights& weights, BlockPlan* plan)
      : config_(config), weights_(weights), plan_(*plan) {}

  void build() {
    const BlockValueId input = add_value(1, "input");
    plan_.inputs = {input};
    BlockValueId x = input;
    BlockValueId head = kNoValue;
    for (std::size_t a = 0; a < config_.arrays.size(); ++a) {
      add_array(a, input, &x, &head);
    }
    plan_.output = head;
  }

 private:
  BlockValueId add_value(int channels, const std::string& name) {
    plan_.values.push_back({channels, kSampleRate, name});
    return static_cast<BlockValueId>(plan_.values.size() - 1);
  }

  BlockConv causal(BlockValueId input, const std::string& name, int taps, int dilation) const {
    BlockConv conv;
    conv.input = input;
    conv.taps = taps;
    conv.dilation = dilation;
    conv.pad_left = (taps - 1) * dilation;
    conv.weights = weights_.get(name + ".weight");
    return conv;
  }

  // Returns z of the layer and moves x on to the next one's input.
  BlockValueId add_layer(const NamArray& array,
                         const NamLayer& layer,
                         const std::string& name,
                         BlockValueId input,
                         BlockValueId* x) {
    const int outputs = layer.gated ? 2 * array.bottleneck : array.bottleneck;
    BlockConv mixin = causal(input, name + ".mixin", 1, 1);
    mixin.to.output = add_value(outputs, name + ".mixin");
    BlockConv conv = causal(*x, name + ".conv", layer.taps, layer.dilation);
    conv.bias = weights_.get(name + ".conv.bias");
    conv.to.residual = mixin.to.output;
    BlockValueId z = kNoValue;
    plan_.ops.emplace_back(mixin);
    if (layer.gated) {
      conv.to.output = add_value(outputs, name + ".conv");
      z = add_value(array.bottleneck, name + ".gate");
      plan_.ops.emplace_back(conv);
      plan_.ops.emplace_back(
          BlockGate{conv.to.output, layer.activation, BlockMap{MapKind::sigmoid, 0.0F, {}, {}}, z});
    } else {
      z = add_value(array.bottleneck, name + ".activation");
      conv.to.map = layer.activation;
      conv.to.mapped = z;
      plan_.ops.emplace_back(conv);
    }
    BlockConv residual = causal(z, name + ".residual", 1, 1);
    residual.bias = weights_.get(name + ".residual.bias");
    residual.to.residual = *x;
    residual.to.output = add_value(array.channels, name);
    plan_.ops.emplace_back(residual);
    *x = residual.to.output;
    return z;
  }

  void add_array(std::size_t a, BlockValueId input, BlockValueId* x, BlockValueId* head) {
    const NamArray& array = config_.arrays[a];
    const std::string prefix = "arrays." + std::to_string(a);
    BlockConv rechannel = causal(*x, prefix + ".rechannel", 1, 1);
    rechannel.to.output = add_value(array.channels, prefix + ".rechannel");
    plan_.ops.emplace_back(rechannel);
    *x = rechannel.to.output;
    BlockSum sum;
    if (*head != kNoValue) {
      sum.inputs.push_back(*head);
    }
    for (std::size_t l = 0; l < array.layers.size(); ++l) {
      sum.inputs.push_back(
          add_layer(array, array.layers[l], prefix + ".layers." + std::to_string(l), input, x));
    }
    if (a + 1 == config_.arrays.size()) {  // nobody hears the last layer's output
      plan_.ops.pop_back();
      plan_.values.pop_back();
    }
    sum.output = add_value(array.bottleneck, prefix + ".sum");
    plan_.ops.emplace_back(sum);
    BlockConv to_head = causal(sum.output, prefix + ".head", array.head_taps, 1);
    if (array.head_bias) {
      to_head.bias = weights_.get(prefix + ".head.bias");
    }
    if (a + 1 == config_.arrays.size()) {
      to_head.to.scale = weights_.get("head_scale")[0];
    }
    to_head.to.output = add_value(array.head_channels, prefix + ".head");
    plan_.ops.emplace_back(to_head);
    *head = to_head.to.output;
  }

  const NamWavenetConfig& config_;
  const NamWeights& weights_;
  BlockPlan& plan_;
};

}  // namespace

BlockPlan compile_nam_wavenet(const VoiceFile& voice) {
  const NamWavenetConfig config = nam_wavenet_config_from_json(voice.description->at("config"),
                                                               voice.weights.name + ": config");
  const NamWeights weights(voice.weights, nam_wavenet_tensors(config));
  BlockPlan plan;
  plan.sample_rate_hz = voice.sample_rate_hz;
  plan.prewarm_frames = nam_receptive_frames(config);
  plan.storage = voice.weights.storage;
  Builder(config, weights, &plan).build();
  validate(plan);
  return plan;
}

}  // namespace ondes
