#include "engine/plan/dense_network.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "engine/deterministic_math.h"
#include "engine/error.h"

namespace ondes {
namespace {

float activate(Activation activation, float x) noexcept {
  switch (activation) {
    case Activation::relu:
      return x > 0.0F ? x : 0.0F;
    case Activation::tanh:
      return exact::tanh(x);
    case Activation::none:
      break;
  }
  return x;
}

void require(bool condition, std::size_t layer, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::bad_input,
                "dense network, layer " + std::to_string(layer) + ": " + what);
  }
}

}  // namespace

void evaluate_dense(const DenseOp& layer,
                    std::span<const float> input,
                    std::span<float> output) noexcept {
  assert(input.size() == static_cast<std::size_t>(layer.inputs));
  assert(output.size() == static_cast<std::size_t>(layer.outputs));
  const float* weights = layer.weights.data();
  for (std::size_t o = 0; o < output.size(); ++o) {
    float sum = layer.bias[o];
    for (const float x : input) {
      sum = exact::fma(*weights++, x, sum);
    }
    output[o] = activate(layer.activation, sum);
  }
}

DenseNetwork::DenseNetwork(std::vector<DenseOp> layers) : layers_(std::move(layers)) {
  std::size_t widest = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const DenseOp& layer = layers_[i];
    require(layer.inputs > 0 && layer.outputs > 0, i, "expected at least one input and output");
    const auto inputs = static_cast<std::size_t>(layer.inputs);
    const auto outputs = static_cast<std::size_t>(layer.outputs);
    require(layer.weights.size() == inputs * outputs, i,
            "expected " + std::to_string(inputs * outputs) + " weights, found " +
                std::to_string(layer.weights.size()));
    require(layer.bias.size() == outputs, i,
            "expected " + std::to_string(outputs) + " biases, found " +
                std::to_string(layer.bias.size()));
    require(i == 0 || layers_[i - 1].outputs == layer.inputs, i,
            "expected as many inputs as the layer before has outputs");
    widest = std::max(widest, outputs);
  }
  scratch_[0].resize(widest);
  scratch_[1].resize(widest);
}

void DenseNetwork::evaluate(std::span<const float> input, std::span<float> output) noexcept {
  if (layers_.empty()) {
    assert(output.size() == input.size());
    std::copy(input.begin(), input.end(), output.begin());
    return;
  }
  std::span<const float> x = input;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const bool last = i + 1 == layers_.size();
    const std::span<float> y =
        last
            ? output
            : std::span<float>(scratch_[i % 2]).first(static_cast<std::size_t>(layers_[i].outputs));
    evaluate_dense(layers_[i], x, y);
    x = y;
  }
}

}  // namespace ondes
