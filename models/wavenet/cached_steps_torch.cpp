#include "models/wavenet/cached_steps_torch.h"

#include "engine/error.h"

namespace ondes {
namespace {

// A copy: the plan's memory may be read-only, and transposed products want it contiguous.
torch::Tensor matrix(std::span<const float> values, std::int64_t rows, std::int64_t columns) {
  return torch::from_blob(const_cast<float*>(values.data()), {rows, columns}).clone();
}

torch::Tensor transposed(std::span<const float> values, std::int64_t rows, std::int64_t columns) {
  return matrix(values, rows, columns).t().contiguous();
}

torch::Tensor vector(std::span<const float> values) {
  return matrix(values, 1, static_cast<std::int64_t>(values.size()));
}

}  // namespace

CachedTorchSteps::CachedTorchSteps(const StepPlan& plan) : gate_(plan.gate_channels) {
  validate(plan);
  if (plan.taps != 2 || plan.input != InputKind::embedding || plan.sample_features != 0 ||
      plan.conditioning_channels != 0 || plan.distribution != Distribution::mu_law_categorical) {
    throw Error(ErrorCode::usage,
                "the cached LibTorch evaluation covers unconditioned categorical plans of two "
                "taps with an embedded input");
  }
  const std::int64_t r = plan.residual_channels;
  const std::int64_t g = plan.gate_channels;
  const std::int64_t s = plan.skip_channels;
  embedding_ = matrix(plan.input_embedding, plan.classes, r);
  input_bias_ = vector(plan.input_bias);
  const auto tap = static_cast<std::size_t>(2 * g * r);
  for (const GatedLayer& from : plan.layers) {
    Layer layer;
    layer.conv = torch::cat(
        {transposed(from.conv.first(tap), 2 * g, r), transposed(from.conv.subspan(tap), 2 * g, r)});
    layer.conv_bias = vector(from.conv_bias);
    if (!from.residual.empty()) {
      layer.residual = transposed(from.residual, r, g);
      layer.residual_bias = vector(from.residual_bias);
    }
    layer.skip = transposed(from.skip, s, g);
    layer.queue = torch::zeros({from.dilation_samples, 1, r});
    layers_.push_back(layer);
  }
  skip_bias_ = vector(plan.skip_bias);
  head_ = transposed(plan.head.weights, plan.head.outputs, plan.head.inputs);
  head_bias_ = vector(plan.head.bias);
  output_ = transposed(plan.output.weights, plan.output.outputs, plan.output.inputs);
  output_bias_ = vector(plan.output.bias);
}

torch::Tensor CachedTorchSteps::step(std::int64_t previous_class) {
  const torch::InferenceMode inference;
  torch::Tensor h = input_bias_ + embedding_[previous_class];
  torch::Tensor skip = skip_bias_;
  for (Layer& layer : layers_) {
    torch::Tensor cell = layer.queue[sample_ % layer.queue.size(0)];
    const torch::Tensor a = torch::addmm(layer.conv_bias, torch::cat({cell, h}, 1), layer.conv);
    cell.copy_(h);
    const torch::Tensor z =
        torch::tanh(a.narrow(1, 0, gate_)).mul_(torch::sigmoid(a.narrow(1, gate_, gate_)));
    skip = torch::addmm(skip, z, layer.skip);
    if (layer.residual.defined()) {
      h = h + torch::addmm(layer.residual_bias, z, layer.residual);
    }
  }
  ++sample_;
  const torch::Tensor hidden = torch::addmm(head_bias_, torch::relu(skip), head_).relu_();
  return torch::addmm(output_bias_, hidden, output_);
}

}  // namespace ondes
