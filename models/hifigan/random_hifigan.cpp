#include <cmath>
#include <memory>

#include "models/hifigan/hifigan.h"
#include "models/random_weights.h"

namespace ondes {
namespace {

constexpr int kDefaultRateHz = 22050;

bool is_upsampling(const std::string& tensor) {
  return tensor.starts_with("ups.") && tensor.ends_with("weight");
}

// Products that one output of a convolution sums.
float fan_in(const HifiganConfig& config,
             const std::string& tensor,
             const std::vector<std::int64_t>& shape) {
  const auto products = static_cast<float>(shape[1] * shape.back());
  if (!is_upsampling(tensor)) {
    return products;
  }
  // (I, O, K): every output meets K / rate of the taps of each of the I inputs.
  const auto stage = static_cast<std::size_t>(std::stoi(tensor.substr(4)));
  return static_cast<float>(shape[0] * shape[2]) / static_cast<float>(config.upsample_rates[stage]);
}

// Standard deviation times the square root of the fan-in: sqrt(2) makes up for what leaky ReLU
// drops; branches of a resblock are kept small beside what they are added to; the last layer stays
// where tanh is nearly linear and exp of a log magnitude is moderate.
float gain(const std::string& tensor) {
  if (tensor.starts_with("conv_post")) {
    return 0.5F;
  }
  return tensor.starts_with("resblocks") ? 0.7F : 1.2F;
}

}  // namespace

std::map<std::string, TensorData> random_hifigan_tensors(const HifiganConfig& config,
                                                         std::uint64_t seed) {
  std::map<std::string, TensorData> tensors;
  std::uint64_t identity = 0;
  for (const auto& [tensor, shape] : hifigan_tensor_shapes(config)) {
    UniformWeights uniform(seed, identity++);
    std::size_t count = 1;
    for (const std::int64_t size : shape) {
      count *= static_cast<std::size_t>(size);
    }
    std::vector<float> values(count);
    if (tensor.ends_with(".alpha") || tensor.ends_with(".beta")) {
      for (float& value : values) {
        value = (config.snake_logscale ? 0.0F : 1.0F) + uniform.next(0.5F);
      }
    } else {
      // A uniform number in (-a, a) has the standard deviation a / sqrt(3).
      const float limit =
          shape.size() > 1 ? gain(tensor) * std::sqrt(3.0F / fan_in(config, tensor, shape)) : 0.1F;
      for (float& value : values) {
        value = uniform.next(limit);
      }
    }
    tensors[tensor] = tensor_from_floats(values, shape);
  }
  return tensors;
}

BlockPlan random_hifigan(const HifiganConfig& config, std::uint64_t seed) {
  // Through a file's bytes, so that benches and tests compile the way voices do.
  const auto bytes = std::make_shared<const std::vector<std::byte>>(
      write_safetensors({}, random_hifigan_tensors(config, seed)));
  SafetensorsFile file = parse_safetensors(*bytes, "random hifigan");
  file.storage = bytes;
  return compile_hifigan(config, file,
                         config.sample_rate_hz != 0 ? config.sample_rate_hz : kDefaultRateHz);
}

}  // namespace ondes
