// Step plans of random weights in any shape, made of nothing but engine/: for the kernels' tests,
// which are also built where no model is.
//
// Weights are uniform in +-1/sqrt(inputs), so that hidden values stay of order one.
#pragma once
#include <cmath>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/plan/step_plan.h"
#include "engine/random/philox.h"

namespace ondes {

struct StepShape {
  std::string name;
  int residual = 5;
  int gate = 7;
  int skip = 11;
  int head = 9;
  int taps = 2;
  std::vector<int> dilations{1, 2, 4};
  int row_features = 4;
  int sample_features = 3;
  std::vector<int> encoder;  // outputs, tanh; the last are the conditioning channels
  Distribution distribution = Distribution::logistic_mixture;
  InputKind input = InputKind::scalar;
  int choices = 3;  // components or classes
  bool last_residual = true;
};

class RandomWeights {
 public:
  explicit RandomWeights(std::uint64_t seed) : seed_(seed) {}

  std::span<const float> matrix(int outputs, int inputs) {
    return fill(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs),
                1.0F / std::sqrt(static_cast<float>(inputs > 0 ? inputs : 1)));
  }
  std::span<const float> vector(int outputs) {
    return fill(static_cast<std::size_t>(outputs), 0.2F);
  }

 private:
  std::span<const float> fill(std::size_t count, float range) {
    std::vector<float>& values = kept_.emplace_back(count);
    for (float& value : values) {
      value = range * (2.0F * uniform_open(philox_draw(seed_, 3, next_++)[2]) - 1.0F);
    }
    return values;
  }

  std::uint64_t seed_;
  std::uint64_t next_ = 0;
  std::deque<std::vector<float>> kept_;
};

inline StepPlan random_step_plan(const StepShape& shape, std::uint64_t seed) {
  const auto weights = std::make_shared<RandomWeights>(seed);
  StepPlan plan;
  plan.storage = weights;
  plan.sample_rate_hz = 24000;
  plan.row_features = shape.row_features;
  plan.sample_features = shape.sample_features;
  plan.residual_channels = shape.residual;
  plan.gate_channels = shape.gate;
  plan.skip_channels = shape.skip;
  plan.head_channels = shape.head;
  plan.taps = shape.taps;
  plan.input = shape.input;
  plan.distribution = shape.distribution;
  int outputs = 2;
  if (shape.distribution == Distribution::logistic_mixture) {
    plan.mixture_components = shape.choices;
    outputs = 3 * shape.choices;
  } else if (shape.distribution == Distribution::mu_law_categorical) {
    plan.classes = shape.choices;
    outputs = shape.choices;
  }
  const bool embedded = shape.input == InputKind::embedding;
  plan.input_weights = weights->matrix(shape.residual, shape.sample_features + (embedded ? 0 : 1));
  plan.input_bias = weights->vector(shape.residual);
  if (embedded) {
    plan.input_embedding = weights->matrix(plan.classes, shape.residual);
  }
  int c = shape.row_features;
  for (const int width : shape.encoder) {
    plan.encoder.push_back(
        {c, width, weights->matrix(width, c), weights->vector(width), Activation::tanh});
    c = width;
  }
  plan.conditioning_channels = c;
  for (std::size_t l = 0; l < shape.dilations.size(); ++l) {
    GatedLayer layer;
    layer.dilation_samples = shape.dilations[l];
    layer.conv = weights->matrix(shape.taps * 2 * shape.gate, shape.residual);
    layer.conv_bias = weights->vector(2 * shape.gate);
    layer.conditioning = weights->matrix(2 * shape.gate, c);
    if (shape.last_residual || l + 1 < shape.dilations.size()) {
      layer.residual = weights->matrix(shape.residual, shape.gate);
      layer.residual_bias = weights->vector(shape.residual);
    }
    layer.skip = weights->matrix(shape.skip, shape.gate);
    plan.layers.push_back(layer);
  }
  plan.skip_bias = weights->vector(shape.skip);
  plan.head = {shape.skip, shape.head, weights->matrix(shape.head, shape.skip),
               weights->vector(shape.head), Activation::relu};
  plan.output = {shape.head, outputs, weights->matrix(outputs, shape.head),
                 weights->vector(outputs), Activation::none};
  return plan;
}

// Any shape from 1 to 140 channels, any kind of input and output.
inline StepShape random_step_shape(std::uint64_t seed) {
  std::uint64_t next = 0;
  const auto pick = [&](int low, int high) {
    const std::uint32_t random = philox_draw(seed, 77, next++)[0];
    return low + static_cast<int>(random % static_cast<std::uint32_t>(high - low + 1));
  };
  StepShape shape;
  const int known[] = {32, 64, 128};
  shape.residual = seed % 2 == 0 ? known[seed / 2 % 3] : pick(1, 140);
  shape.gate = seed % 2 == 0 ? shape.residual : pick(1, 140);
  shape.skip = pick(1, 256);
  shape.head = pick(1, 256);
  shape.taps = pick(1, 3);
  shape.dilations.clear();
  for (int l = pick(1, 12); l > 0; --l) {
    shape.dilations.push_back(pick(1, 40));
  }
  shape.row_features = pick(0, 9);
  shape.sample_features = pick(0, 9);
  const Distribution kinds[] = {Distribution::logistic_mixture, Distribution::gaussian,
                                Distribution::mu_law_categorical};
  shape.distribution = kinds[pick(0, 2)];
  shape.choices = pick(2, shape.distribution == Distribution::mu_law_categorical ? 256 : 12);
  if (shape.distribution == Distribution::mu_law_categorical && pick(0, 1) == 1) {
    shape.input = InputKind::embedding;
  }
  if (shape.row_features > 0 && pick(0, 1) == 1) {
    shape.encoder = {pick(1, 20), pick(1, 20)};
  }
  return shape;
}

inline std::string text(const StepShape& shape) {
  return "R " + std::to_string(shape.residual) + " G " + std::to_string(shape.gate) + " S " +
         std::to_string(shape.skip) + " A " + std::to_string(shape.head) + " K " +
         std::to_string(shape.taps) + " L " + std::to_string(shape.dilations.size());
}

}  // namespace ondes
