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

PackedDense pack(const DenseOp& layer) {
  PackedDense packed;
  packed.inputs = layer.inputs;
  packed.outputs = layer.outputs;
  packed.padded_outputs = (layer.outputs + kDensePadding - 1) / kDensePadding * kDensePadding;
  packed.activation = layer.activation;
  const auto inputs = static_cast<std::size_t>(layer.inputs);
  const auto padded = static_cast<std::size_t>(packed.padded_outputs);
  packed.weights.allocate(inputs * padded);
  packed.bias.allocate(padded);
  for (std::size_t o = 0; o < layer.bias.size(); ++o) {
    packed.bias[o] = layer.bias[o];
    for (std::size_t i = 0; i < inputs; ++i) {
      packed.weights[i * padded + o] = layer.weights[o * inputs + i];
    }
  }
  return packed;
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
    packed_.push_back(pack(layer));
    widest = std::max(widest, packed_.back().bias.size());
  }
  kernel_ = dense_kernel();
  scratch_.resize(2 * widest);
}

void DenseNetwork::evaluate(std::span<const float> input, std::span<float> output) noexcept {
  evaluate(input, output, scratch_);
}

void DenseNetwork::evaluate(std::span<const float> input,
                            std::span<float> output,
                            std::span<float> scratch) const noexcept {
  if (layers_.empty()) {
    assert(output.size() == input.size());
    std::copy(input.begin(), input.end(), output.begin());
    return;
  }
  assert(input.size() == static_cast<std::size_t>(inputs()));
  std::span<const float> x = input;
  const std::size_t width = scratch.size() / 2;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::span<float> y = scratch.subspan(i % 2 * width, width);
    const auto outputs = static_cast<std::size_t>(layers_[i].outputs);
    if (kernel_ != nullptr) {
      kernel_(packed_[i], x.data(), y.data());
    } else {
      evaluate_dense(layers_[i], x, y.first(outputs));
    }
    x = y.first(outputs);
  }
  std::copy(x.begin(), x.end(), output.begin());
}

}  // namespace ondes
