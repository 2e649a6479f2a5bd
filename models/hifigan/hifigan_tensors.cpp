#include <cmath>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/block_calibration.h"
#include "models/hifigan/alias_free_filter.h"
#include "models/hifigan/hifigan.h"
#include "models/hifigan/hifigan_tensors_internal.h"

namespace ondes {
namespace {

using Shape = std::vector<std::int64_t>;
using Shapes = std::map<std::string, Shape>;

void add_conv(const std::string& name, Shape weight, std::int64_t outputs, Shapes* shapes) {
  (*shapes)[name + ".weight"] = std::move(weight);
  (*shapes)[name + ".bias"] = {outputs};
}

void add_snake(const std::string& name,
               const HifiganConfig& config,
               std::int64_t channels,
               Shapes* shapes) {
  (*shapes)[name + ".act.alpha"] = {channels};
  if (config.activation == HifiganActivation::snakebeta) {
    (*shapes)[name + ".act.beta"] = {channels};
  }
}

void add_resblock(const std::string& name,
                  const HifiganConfig& config,
                  std::int64_t channels,
                  std::size_t kernel,
                  Shapes* shapes) {
  const Shape weight{channels, channels, config.resblock_kernel_sizes[kernel]};
  const std::size_t count = config.resblock_dilation_sizes[kernel].size();
  for (std::size_t m = 0; m < count; ++m) {
    const std::string place = "." + std::to_string(m);
    if (config.resblock == 1) {
      add_conv(name + ".convs1" + place, weight, channels, shapes);
      add_conv(name + ".convs2" + place, weight, channels, shapes);
    } else {
      add_conv(name + ".convs" + place, weight, channels, shapes);
    }
  }
  const std::size_t activations = config.resblock == 1 ? 2 * count : count;
  for (std::size_t a = 0; config.has_snake() && a < activations; ++a) {
    add_snake(name + ".activations." + std::to_string(a), config, channels, shapes);
  }
}

}  // namespace

bool is_hifigan_filter(const std::string& tensor) {
  return (tensor.starts_with("resblocks.") || tensor.starts_with("activation_post.")) &&
         (tensor.ends_with(".upsample.filter") || tensor.ends_with(".downsample.lowpass.filter"));
}

std::string hifigan_ups_name(const HifiganConfig& config, int stage) {
  return "ups." + std::to_string(stage) + (config.has_snake() ? ".0" : "");
}

Shapes hifigan_tensor_shapes(const HifiganConfig& config) {
  Shapes shapes;
  const std::int64_t initial = config.upsample_initial_channel;
  add_conv("conv_pre", {initial, config.mel_bands, 7}, initial, &shapes);
  const std::size_t kernels = config.resblock_kernel_sizes.size();
  std::int64_t channels = initial;
  for (int s = 0; s < config.stages(); ++s) {
    const std::int64_t outputs = config.stage_channels(s);
    const int taps = config.upsample_kernel_sizes[static_cast<std::size_t>(s)];
    add_conv(hifigan_ups_name(config, s), {channels, outputs, taps}, outputs, &shapes);
    for (std::size_t j = 0; j < kernels; ++j) {
      const std::size_t n = static_cast<std::size_t>(s) * kernels + j;
      add_resblock("resblocks." + std::to_string(n), config, outputs, j, &shapes);
    }
    channels = outputs;
  }
  if (config.has_snake()) {
    add_snake("activation_post", config, channels, &shapes);
  }
  const std::int64_t outputs = config.has_istft() ? config.istft_fft_size + 2 : 1;
  add_conv("conv_post", {outputs, channels, 7}, outputs, &shapes);
  if (!config.use_bias_at_final) {
    shapes.erase("conv_post.bias");
  }
  if (config.speakers != 0) {
    shapes["emb_g.weight"] = {config.speakers, config.speaker_channels};
    add_conv("cond", {initial, config.speaker_channels, 1}, initial, &shapes);
  }
  return shapes;
}

void check_hifigan_tensors(const HifiganConfig& config, const SafetensorsFile& file) {
  const auto shapes = hifigan_tensor_shapes(config);
  const auto expected = alias_free_filter();
  for (const auto& [name, view] : file.tensors) {
    if (shapes.contains(name) || is_block_calibration(name)) {
      continue;
    }
    if (!config.has_snake() || !is_hifigan_filter(name)) {
      throw Error(ErrorCode::bad_input, file.name + ": tensor " + quote(name) +
                                            ": the network its config describes has none");
    }
    const auto found = require_f32(file, name, {1, 1, kAliasFreeTaps});
    for (std::size_t i = 0; i < expected.size(); ++i) {
      // Half a bit of 16-bit floats: some checkpoints are stored so.
      if (std::fabs(found[i] - expected[i]) > 3e-4F) {
        throw Error(ErrorCode::bad_input,
                    file.name + ": tensor " + quote(name) +
                        ": expected the filter of a ratio of 2 and 12 taps (" +
                        std::to_string(expected[i]) + " at index " + std::to_string(i) +
                        "), found " + std::to_string(found[i]));
      }
    }
  }
}

}  // namespace ondes
