#include <cmath>
#include <string_view>

#include "models/random_weights.h"
#include "models/wavenet/wavenet.h"

namespace ondes {
namespace {

// Standard deviation of a tensor's weights times the square root of its fan-in.
//   1            keeps a sum of unit inputs at unit variance
//   1 / sqrt(L)  residual and skip sums run over L layers
//   sqrt(2)      makes up for the half that relu drops
float weight_gain(std::string_view tensor, const WavenetConfig& config) {
  const auto layers = static_cast<float>(config.dilations.size());
  if (tensor.ends_with("residual.weight") || tensor.ends_with("skip.weight")) {
    return 1.0F / std::sqrt(layers);
  }
  if (tensor == "head.weight") {
    return std::sqrt(2.0F);
  }
  return tensor == "output.weight" ? 0.5F : 1.0F;
}

// Log scales near e^-4 make noise of an amplitude like audio's; means spread over half the range.
float output_bias(const WavenetConfig& config, std::size_t channel, UniformWeights* uniform) {
  constexpr float kLogScale = -4.0F;
  const auto components = static_cast<std::size_t>(config.mixture_components);
  switch (config.distribution) {
    case Distribution::logistic_mixture:
      return channel >= 2 * components ? kLogScale : uniform->next(0.5F);
    case Distribution::gaussian:
      return channel == 1 ? kLogScale : 0.0F;
    case Distribution::mu_law_categorical:
      break;
  }
  return uniform->next(0.1F);
}

}  // namespace

std::map<std::string, TensorData> random_wavenet_tensors(const WavenetConfig& config,
                                                         int row_features,
                                                         int sample_features,
                                                         std::uint64_t seed) {
  std::map<std::string, TensorData> tensors;
  std::uint64_t identity = 0;
  for (const auto& [tensor, shape] : wavenet_tensor_shapes(config, row_features, sample_features)) {
    UniformWeights uniform(seed, identity++);
    std::size_t count = 1;
    for (const std::int64_t size : shape) {
      count *= static_cast<std::size_t>(size);
    }
    std::vector<float> values(count);
    if (tensor == "output.bias") {
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = output_bias(config, i, &uniform);
      }
    } else {
      float limit = 0.1F;  // of biases
      if (tensor == "input.embedding") {
        limit = 1.0F;
      } else if (shape.size() > 1 && count != 0) {
        const auto fan_in = static_cast<float>(count / static_cast<std::size_t>(shape[0]));
        // A uniform number in (-a, a) has the standard deviation a / sqrt(3).
        limit = weight_gain(tensor, config) * std::sqrt(3.0F / fan_in);
      }
      for (float& value : values) {
        value = uniform.next(limit);
      }
    }
    tensors[tensor] = tensor_from_floats(values, shape);
  }
  return tensors;
}

}  // namespace ondes
