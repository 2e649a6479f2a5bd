#include "models/hifigan/hifigan.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"
#include "models/block_calibration.h"
#include "models/hifigan/alias_free_filter.h"
#include "models/hifigan/hifigan_tensors_internal.h"

namespace ondes {
namespace {

constexpr float kSlope = 0.1F;
constexpr float kLastSlope = 0.01F;  // the published code leaves it at leaky_relu's default
// Snake's published guard against a division by zero.
constexpr float kSnakeGuard = 1e-9F;

// What the plan's spans point into.
struct Storage {
  std::shared_ptr<const void> file;
  std::deque<std::vector<float>> made;  // a deque: growing must not move what spans point to

  std::span<const float> keep(std::vector<float> values) {
    return made.emplace_back(std::move(values));
  }
};

// A value and its leaky ReLU, where each is wanted.
struct Signal {
  BlockValueId raw = kNoValue;
  BlockValueId active = kNoValue;
};

// What a convolution's result is wanted as.
struct Wanted {
  bool raw = true;
  bool active = false;
  float slope = kSlope;
};

class Compiler {
 public:
  Compiler(const HifiganConfig& config, const SafetensorsFile& file);
  BlockPlan compile(int sample_rate_hz, int speaker);

 private:
  std::span<const float> tensor(const std::string& name) const {
    return require_f32(file_, name, shapes_.at(name));
  }
  BlockValueId value(const std::string& name, int channels);
  BlockValueId conv(const std::string& name, BlockValueId input, BlockMap map);
  BlockEpilogue epilogue(const std::string& name, int channels, const Wanted& wanted);

  std::span<const float> input_bias(int speaker);
  Signal input_conv(BlockValueId mel, int speaker);
  Signal upsample(int stage, const Signal& x);
  Signal same_conv(const std::string& name,
                   BlockValueId input,
                   int dilation,
                   BlockValueId residual,
                   const Wanted& wanted);
  BlockValueId resblock(std::size_t block, std::size_t kernel, Signal x);
  Signal fuse(int stage, const std::vector<BlockValueId>& blocks);
  BlockValueId snake(const std::string& name, BlockValueId input);
  BlockMap snake_map(const std::string& name, int channels);
  std::span<const float> repeated_filter(int channels, float gain);
  BlockValueId reflect(BlockValueId input);
  BlockValueId head(BlockValueId input);

  const HifiganConfig& config_;
  const SafetensorsFile& file_;
  const std::map<std::string, std::vector<std::int64_t>> shapes_;
  std::shared_ptr<Storage> storage_ = std::make_shared<Storage>();
  std::map<std::pair<int, float>, std::span<const float>> filters_;  // by channels and gain
  BlockPlan plan_;
  int rate_ = 1;  // frames for a mel frame, where the compiler is now
};

Compiler::Compiler(const HifiganConfig& config, const SafetensorsFile& file)
    : config_(config), file_(file), shapes_(hifigan_tensor_shapes(config)) {
  storage_->file = file.storage;
  check_hifigan_tensors(config, file);
}

BlockValueId Compiler::value(const std::string& name, int channels) {
  plan_.values.push_back({channels, {rate_, 1}, name});
  return static_cast<BlockValueId>(plan_.values.size()) - 1;
}

BlockEpilogue Compiler::epilogue(const std::string& name, int channels, const Wanted& wanted) {
  BlockEpilogue to;
  if (wanted.raw) {
    to.output = value(name, channels);
  }
  if (wanted.active) {
    to.map.kind = MapKind::leaky_relu;
    to.map.slope = wanted.slope;
    to.mapped = value(name + ".leaky_relu", channels);
  }
  return to;
}

// conv_pre's bias, with the speaker's contribution: the same for every frame, so it is part of it.
std::span<const float> Compiler::input_bias(int speaker) {
  const auto bias = tensor("conv_pre.bias");
  if (config_.speakers == 0) {
    return bias;
  }
  const auto size = static_cast<std::size_t>(config_.speaker_channels);
  const auto row = tensor("emb_g.weight").subspan(static_cast<std::size_t>(speaker) * size, size);
  const auto weights = tensor("cond.weight");
  const auto added = tensor("cond.bias");
  std::vector<float> sum(bias.size());
  for (std::size_t o = 0; o < bias.size(); ++o) {
    double total = static_cast<double>(bias[o]) + static_cast<double>(added[o]);
    for (std::size_t i = 0; i < size; ++i) {
      total += static_cast<double>(weights[o * size + i]) * static_cast<double>(row[i]);
    }
    sum[o] = static_cast<float>(total);
  }
  return storage_->keep(std::move(sum));
}

Signal Compiler::input_conv(BlockValueId mel, int speaker) {
  BlockConv op;
  op.input = mel;
  op.taps = 7;
  op.pad_left = op.pad_right = 3;
  op.weights = tensor("conv_pre.weight");
  op.bias = input_bias(speaker);
  const bool leaky = !config_.has_snake();
  op.to = epilogue("conv_pre", config_.upsample_initial_channel, {!leaky, leaky});
  plan_.ops.emplace_back(op);
  return {op.to.output, op.to.mapped};
}

Signal Compiler::upsample(int stage, const Signal& x) {
  const auto s = static_cast<std::size_t>(stage);
  const std::string name = hifigan_ups_name(config_, stage);
  const bool leaky = !config_.has_snake();
  BlockTransposedConv op;
  op.input = leaky ? x.active : x.raw;
  op.taps = config_.upsample_kernel_sizes[s];
  op.stride = config_.upsample_rates[s];
  op.trim_left = op.trim_right = (op.taps - op.stride) / 2;
  op.weights = tensor(name + ".weight");
  op.bias = tensor(name + ".bias");
  rate_ *= op.stride;
  op.to = epilogue(name, config_.stage_channels(stage), {true, leaky});
  plan_.ops.emplace_back(op);
  return {op.to.output, op.to.mapped};
}

Signal Compiler::same_conv(const std::string& name,
                           BlockValueId input,
                           int dilation,
                           BlockValueId residual,
                           const Wanted& wanted) {
  BlockConv op;
  op.input = input;
  op.weights = tensor(name + ".weight");
  op.bias = tensor(name + ".bias");
  const auto& shape = shapes_.at(name + ".weight");
  op.taps = static_cast<int>(shape[2]);
  op.dilation = dilation;
  op.pad_left = op.pad_right = (op.taps - 1) / 2 * dilation;
  op.to = epilogue(name, static_cast<int>(shape[0]), wanted);
  op.to.residual = residual;
  plan_.ops.emplace_back(op);
  return {op.to.output, op.to.mapped};
}

BlockValueId Compiler::resblock(std::size_t block, std::size_t kernel, Signal x) {
  const std::string name = "resblocks." + std::to_string(block) + ".";
  const bool leaky = !config_.has_snake();
  const std::vector<int>& dilations = config_.resblock_dilation_sizes[kernel];
  int next = 0;
  const auto active = [&](const Signal& signal) {
    return leaky ? signal.active
                 : snake(name + "activations." + std::to_string(next++), signal.raw);
  };
  for (std::size_t m = 0; m < dilations.size(); ++m) {
    const std::string place = "." + std::to_string(m);
    const Wanted wanted{true, leaky && m + 1 < dilations.size()};
    if (config_.resblock == 1) {
      const Signal y =
          same_conv(name + "convs1" + place, active(x), dilations[m], kNoValue, {!leaky, leaky});
      x = same_conv(name + "convs2" + place, active(y), 1, x.raw, wanted);
    } else {
      x = same_conv(name + "convs" + place, active(x), dilations[m], x.raw, wanted);
    }
  }
  return x.raw;
}

// The mean of a stage's resblocks, as what the next stage or the head takes.
Signal Compiler::fuse(int stage, const std::vector<BlockValueId>& blocks) {
  const bool leaky = !config_.has_snake();
  const bool last = stage + 1 == config_.stages();
  BlockSum op;
  op.inputs = blocks;
  op.scale = 1.0F / static_cast<float>(blocks.size());
  const BlockEpilogue to =
      epilogue("stages." + std::to_string(stage), config_.stage_channels(stage),
               {!leaky, leaky, last ? kLastSlope : kSlope});
  op.output = to.output;
  op.map = to.map;
  op.mapped = to.mapped;
  plan_.ops.emplace_back(op);
  return {op.output, op.mapped};
}

// The filter for every channel, (C, 1, 12).
std::span<const float> Compiler::repeated_filter(int channels, float gain) {
  auto& found = filters_[{channels, gain}];
  if (found.empty()) {
    std::vector<float> taps;
    for (int c = 0; c < channels; ++c) {
      for (const float tap : alias_free_filter()) {
        taps.push_back(gain * tap);
      }
    }
    found = storage_->keep(std::move(taps));
  }
  return found;
}

BlockMap Compiler::snake_map(const std::string& name, int channels) {
  const bool beta = config_.activation == HifiganActivation::snakebeta;
  const auto stored = [&](const char* parameter) {
    const auto values = tensor(name + parameter);
    std::vector<float> result(values.begin(), values.end());
    if (config_.snake_logscale) {
      std::transform(result.begin(), result.end(), result.begin(),
                     [](float v) { return std::exp(v); });
    }
    return result;
  };
  std::vector<float> inverse = stored(beta ? ".act.beta" : ".act.alpha");
  for (int c = 0; c < channels; ++c) {
    float& v = inverse[static_cast<std::size_t>(c)];
    v = 1.0F / (v + kSnakeGuard);
    if (!std::isfinite(v)) {
      throw Error(ErrorCode::bad_input,
                  file_.name + ": tensor " + quote(name + ".act") +
                      ": expected a divisor other than 0, found one at index " + std::to_string(c));
    }
  }
  BlockMap map;
  map.kind = MapKind::snake;
  map.alpha = storage_->keep(stored(".act.alpha"));
  map.inverse_beta = storage_->keep(std::move(inverse));
  return map;
}

// Up to twice the rate, Snake there, and back.
BlockValueId Compiler::snake(const std::string& name, BlockValueId input) {
  const int channels = plan_.values[static_cast<std::size_t>(input)].channels;
  BlockTransposedConv up;
  up.input = input;
  up.taps = kAliasFreeTaps;
  up.stride = 2;
  up.groups = channels;
  up.replicate_left = up.replicate_right = kAliasFreeUpPad;
  up.trim_left = up.trim_right = kAliasFreeUpTrim;
  up.weights = repeated_filter(channels, 2.0F);
  rate_ *= 2;
  up.to.map = snake_map(name, channels);
  up.to.mapped = value(name + ".act", channels);
  rate_ /= 2;
  plan_.ops.emplace_back(up);

  BlockConv down;
  down.input = up.to.mapped;
  down.taps = kAliasFreeTaps;
  down.stride = 2;
  down.groups = channels;
  down.pad_left = kAliasFreeDownPadLeft;
  down.pad_right = kAliasFreeDownPadRight;
  down.padding = BlockPadding::replicate;
  down.weights = repeated_filter(channels, 1.0F);
  down.to.output = value(name, channels);
  plan_.ops.emplace_back(down);
  return down.to.output;
}

// iSTFTNet's reflection pad, one frame at the start: a convolution by 1.
BlockValueId Compiler::reflect(BlockValueId input) {
  const int channels = plan_.values[static_cast<std::size_t>(input)].channels;
  BlockConv op;
  op.input = input;
  op.groups = channels;
  op.pad_left = 1;
  op.padding = BlockPadding::reflect;
  op.weights = storage_->keep(std::vector<float>(static_cast<std::size_t>(channels), 1.0F));
  op.to.output = value("reflection_pad", channels);
  plan_.ops.emplace_back(op);
  return op.to.output;
}

BlockValueId Compiler::head(BlockValueId input) {
  BlockConv op;
  op.input = config_.has_istft() ? reflect(input) : input;
  op.taps = 7;
  op.pad_left = op.pad_right = 3;
  op.weights = tensor("conv_post.weight");
  if (config_.use_bias_at_final) {
    op.bias = tensor("conv_post.bias");
  }
  if (!config_.has_istft()) {
    op.to.map.kind = config_.use_tanh_at_final ? MapKind::tanh : MapKind::hard_tanh;
    op.to.mapped = value("conv_post", 1);
    plan_.ops.emplace_back(op);
    return op.to.mapped;
  }
  op.to.output = value("conv_post", config_.istft_fft_size + 2);
  plan_.ops.emplace_back(op);

  std::vector<float> window;
  for (int n = 0; n < config_.istft_fft_size; ++n) {
    const double turn = 2.0 * std::numbers::pi * n / config_.istft_fft_size;
    window.push_back(static_cast<float>(0.5 - 0.5 * std::cos(turn)));
  }
  BlockInverseStft inverse;
  inverse.input = op.to.output;
  inverse.fft_size = config_.istft_fft_size;
  inverse.hop_samples = config_.istft_hop_samples;
  inverse.window = storage_->keep(std::move(window));
  inverse.form = BlockInverseStft::Form::log_polar_sine;
  rate_ *= config_.istft_hop_samples;
  inverse.output = value("samples", 1);
  plan_.ops.emplace_back(inverse);
  return inverse.output;
}

BlockPlan Compiler::compile(int sample_rate_hz, int speaker) {
  if (speaker < 0 || speaker >= std::max(config_.speakers, 1)) {
    throw Error(ErrorCode::usage, file_.name + ": speaker: expected 0 to " +
                                      std::to_string(std::max(config_.speakers, 1) - 1) +
                                      ", found " + std::to_string(speaker));
  }
  plan_.sample_rate_hz = sample_rate_hz;
  const BlockValueId mel = value("mel", config_.mel_bands);
  plan_.inputs = {mel};
  Signal x = input_conv(mel, speaker);
  const std::size_t kernels = config_.resblock_kernel_sizes.size();
  for (int s = 0; s < config_.stages(); ++s) {
    const Signal up = upsample(s, x);
    std::vector<BlockValueId> blocks;
    for (std::size_t j = 0; j < kernels; ++j) {
      blocks.push_back(resblock(static_cast<std::size_t>(s) * kernels + j, j, up));
    }
    x = fuse(s, blocks);
  }
  plan_.output = head(config_.has_snake() ? snake("activation_post", x.raw) : x.active);
  plan_.storage = storage_;
  plan_.ranges = read_block_calibration(plan_, file_);
  validate(plan_);
  return std::move(plan_);
}

}  // namespace

BlockPlan compile_hifigan(const HifiganConfig& config,
                          const SafetensorsFile& weights,
                          int sample_rate_hz,
                          int speaker) {
  return Compiler(config, weights).compile(sample_rate_hz, speaker);
}

BlockPlan compile_hifigan(const VoiceFile& voice, int speaker) {
  const std::string& file = voice.weights.name;
  const HifiganConfig config = hifigan_config_from_json(voice.description->at("config"), file);
  const MelContract mel = mel_contract_from_json(voice.description->at("features"), file);
  const auto require = [&](const char* field, int expected, int found) {
    if (expected != found) {
      throw Error(ErrorCode::bad_input, file + ": features: field '" + field +
                                            "': expected its config's " + std::to_string(expected) +
                                            ", found " + std::to_string(found));
    }
  };
  require("mels", config.mel_bands, mel.mels);
  require("hop", config.hop_samples(), mel.hop_samples);
  return compile_hifigan(config, voice.weights, voice.sample_rate_hz, speaker);
}

}  // namespace ondes
