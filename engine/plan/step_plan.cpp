#include "engine/plan/step_plan.h"

#include <cstddef>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& expected, long long found) {
  throw Error(ErrorCode::bad_input, "step plan: " + field + ": expected " + expected + ", found " +
                                        std::to_string(found));
}

void require_in(const std::string& field, long long value, long long low, long long high) {
  if (value < low || value > high) {
    refuse(field, std::to_string(low) + ".." + std::to_string(high), value);
  }
}

void require_size(const std::string& field, std::span<const float> values, long long expected) {
  const auto found = static_cast<long long>(values.size());
  if (found != expected) {
    refuse(field, std::to_string(expected) + " values", found);
  }
}

// Far above any network, far below where a product of two leaves 64 bits.
constexpr long long kMaxChannels = 1 << 16;
constexpr long long kMaxDilationSamples = 1 << 24;

void require_dense(const std::string& field, const DenseOp& op, int inputs) {
  if (op.inputs != inputs) {
    refuse(field + ".inputs", std::to_string(inputs), op.inputs);
  }
  require_in(field + ".outputs", op.outputs, 1, kMaxChannels);
  require_size(field + ".weights", op.weights, 1LL * op.inputs * op.outputs);
  require_size(field + ".bias", op.bias, op.outputs);
}

int require_chain(const std::string& field, const std::vector<DenseOp>& ops, int inputs) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    require_dense(field + "[" + std::to_string(i) + "]", ops[i], inputs);
    inputs = ops[i].outputs;
  }
  return inputs;
}

void validate_input(const StepPlan& plan) {
  const long long r = plan.residual_channels;
  const bool embedded = plan.input == InputKind::embedding;
  const long long columns = plan.sample_features + (embedded ? 0 : 1);
  require_size("input_weights", plan.input_weights, r * columns);
  require_size("input_bias", plan.input_bias, r);
  if (embedded) {
    require_in("classes (of an embedded input)", plan.classes, 2, kMaxChannels);
  }
  require_size("input_embedding", plan.input_embedding, embedded ? r * plan.classes : 0);
}

void validate_layers(const StepPlan& plan) {
  const long long r = plan.residual_channels;
  const long long g = plan.gate_channels;
  require_in("layers", plan.layer_count(), 1, 4096);
  for (int l = 0; l < plan.layer_count(); ++l) {
    const GatedLayer& layer = plan.layers[static_cast<std::size_t>(l)];
    const std::string name = "layers[" + std::to_string(l) + "]";
    require_in(name + ".dilation_samples", layer.dilation_samples, 1, kMaxDilationSamples);
    require_size(name + ".conv", layer.conv, plan.taps * 2 * g * r);
    require_size(name + ".conv_bias", layer.conv_bias, 2 * g);
    require_size(name + ".conditioning", layer.conditioning, 2 * g * plan.conditioning_channels);
    const bool last = l + 1 == plan.layer_count();
    if (!last || !layer.residual.empty()) {
      require_size(name + ".residual", layer.residual, r * g);
      require_size(name + ".residual_bias", layer.residual_bias, r);
    }
    require_size(name + ".skip", layer.skip, plan.skip_channels * g);
  }
}

void validate_output(const StepPlan& plan) {
  require_size("skip_bias", plan.skip_bias, plan.skip_channels);
  require_dense("head", plan.head, plan.skip_channels);
  if (plan.head.outputs != plan.head_channels) {
    refuse("head.outputs", std::to_string(plan.head_channels), plan.head.outputs);
  }
  require_dense("output", plan.output, plan.head_channels);
  if (plan.head.activation != Activation::relu || plan.output.activation != Activation::none) {
    throw Error(ErrorCode::bad_input,
                "step plan: head.activation must be relu and output.activation none");
  }
  int outputs = 2;
  if (plan.distribution == Distribution::logistic_mixture) {
    require_in("mixture_components", plan.mixture_components, 1, 1024);
    outputs = 3 * plan.mixture_components;
  } else if (plan.distribution == Distribution::mu_law_categorical) {
    require_in("classes", plan.classes, 2, kMaxChannels);
    outputs = plan.classes;
  }
  if (plan.output.outputs != outputs) {
    refuse("output.outputs", std::to_string(outputs), plan.output.outputs);
  }
  require_in("amplitude_levels", plan.amplitude_levels, 2, 1 << 24);
}

}  // namespace

void validate(const StepPlan& plan) {
  require_in("residual_channels", plan.residual_channels, 1, kMaxChannels);
  require_in("gate_channels", plan.gate_channels, 1, kMaxChannels);
  require_in("skip_channels", plan.skip_channels, 1, kMaxChannels);
  require_in("head_channels", plan.head_channels, 1, kMaxChannels);
  require_in("taps", plan.taps, 1, 16);
  require_in("row_features", plan.row_features, 0, kMaxChannels);
  require_in("sample_features", plan.sample_features, 0, kMaxChannels);
  require_in("conditioning_channels", plan.conditioning_channels, 0, kMaxChannels);
  const int encoded = require_chain("encoder", plan.encoder, plan.row_features);
  if (encoded != plan.conditioning_channels) {
    refuse("conditioning_channels (the encoder's last outputs)", std::to_string(encoded),
           plan.conditioning_channels);
  }
  validate_input(plan);
  validate_layers(plan);
  validate_output(plan);
  const int level = require_chain("level", plan.level, plan.row_features);
  if (!plan.level.empty() && level != 1) {
    refuse("level: last outputs", "1", level);
  }
  if (!plan.residual_absmax.empty()) {
    require_size("residual_absmax", plan.residual_absmax, plan.layer_count());
  }
}

long long macs_per_sample(const StepPlan& plan) {
  const long long r = plan.residual_channels;
  const long long g = plan.gate_channels;
  long long macs = static_cast<long long>(plan.input_weights.size());
  for (const GatedLayer& layer : plan.layers) {
    macs += plan.taps * 2 * g * r + plan.skip_channels * g + (layer.residual.empty() ? 0 : r * g);
  }
  return macs + 1LL * plan.head.inputs * plan.head.outputs +
         1LL * plan.output.inputs * plan.output.outputs;
}

}  // namespace ondes
