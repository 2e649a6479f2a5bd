// The "training" object of a recipe for adversarial training.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/training/adversarial_trainer.h"

namespace ondes {
namespace {

constexpr int kMaxCount = std::numeric_limits<int>::max();
constexpr double kMaxNumber = 1e38;
// LibTorch takes products of these as floats and throws where they overflow.
constexpr double kMaxLearningRate = 1e30;
constexpr double kMaxWeightDecay = 1e6;

std::vector<SpectrogramShape> resolutions(JsonFields& fields,
                                          const std::string& key,
                                          const std::string& where,
                                          const std::vector<SpectrogramShape>& fallback) {
  if (!fields.has(key)) {
    return fallback;
  }
  std::vector<SpectrogramShape> shapes;
  for (const auto& entry : fields.objects(key, {0, 16})) {
    JsonFields f(entry, where + ": " + key + "[" + std::to_string(shapes.size()) + "]");
    SpectrogramShape shape;
    shape.fft_size = f.integer("fft_size", 16, 1 << 16);
    shape.window_samples = f.integer("window", 1, shape.fft_size, shape.fft_size);
    shape.hop_samples = f.integer("hop", 1, shape.window_samples);
    if (shape.fft_size % 2 != 0) {
      f.refuse("fft_size", "an even number", std::to_string(shape.fft_size));
    }
    f.refuse_unknown();
    shapes.push_back(shape);
  }
  return shapes;
}

DiscriminatorsConfig discriminators(const nlohmann::json& json, const std::string& where) {
  DiscriminatorsConfig config;
  JsonFields f(json, where);
  if (f.has("periods")) {
    config.periods = f.integers("periods", {0, 32}, 1, 1024);
  }
  config.period_channels = f.integer("period_channels", 1, 1024, config.period_channels);
  config.scales = f.integer("scales", 0, 8, config.scales);
  config.scale_channels = f.integer("scale_channels", 16, 1024, config.scale_channels);
  config.resolutions = resolutions(f, "resolutions", where, config.resolutions);
  config.resolution_channels =
      f.integer("resolution_channels", 1, 1024, config.resolution_channels);
  if (config.scale_channels % 16 != 0) {
    f.refuse("scale_channels", "a multiple of 16", std::to_string(config.scale_channels));
  }
  if (config.periods.empty() && config.scales == 0 && config.resolutions.empty()) {
    f.refuse("periods", "at least one discriminator", "no periods, scales, resolutions");
  }
  f.refuse_unknown();
  return config;
}

std::int64_t count(JsonFields& f, const std::string& key, int low, std::int64_t fallback) {
  return f.integer(key, low, kMaxCount, static_cast<int>(fallback));
}

}  // namespace

AdversarialOptions adversarial_options_from_json(const nlohmann::json& training,
                                                 const std::string& where,
                                                 const std::vector<std::string>& others) {
  JsonFields f(training, where);
  AdversarialOptions o;
  o.steps = f.integer("steps", 1, kMaxCount);
  o.adversarial_from_step = count(f, "adversarial_from_step", 0, o.adversarial_from_step);
  o.learning_rate = f.number("learning_rate", 0.0, kMaxLearningRate, o.learning_rate);
  o.discriminator_learning_rate =
      f.number("discriminator_learning_rate", 0.0, kMaxLearningRate, o.learning_rate);
  o.warmup_steps = count(f, "warmup_steps", 0, o.warmup_steps);
  o.decay = f.number("decay", 0.0, 1.0, o.decay);
  o.decay_steps = count(f, "decay_steps", 1, o.decay_steps);
  o.weight_decay = f.number("weight_decay", 0.0, kMaxWeightDecay, o.weight_decay);
  o.gradient_clip = f.number("gradient_clip", 0.0, kMaxNumber, o.gradient_clip);
  o.ema_decay = f.number("ema_decay", 0.0, 1.0, o.ema_decay);
  o.stft_weight = f.number("stft_weight", 0.0, kMaxNumber, o.stft_weight);
  o.mel_weight = f.number("mel_weight", 0.0, kMaxNumber, o.mel_weight);
  o.adversarial_weight = f.number("adversarial_weight", 0.0, kMaxNumber, o.adversarial_weight);
  o.feature_weight = f.number("feature_weight", 0.0, kMaxNumber, o.feature_weight);
  o.stft_resolutions = resolutions(f, "stft_resolutions", where, o.stft_resolutions);
  if (o.stft_resolutions.empty()) {
    f.refuse("stft_resolutions", "at least one (stft_weight 0 leaves the loss out)", "none");
  }
  if (f.has("discriminators")) {
    o.discriminators = discriminators(f.object("discriminators"), where + ": discriminators");
  }
  o.validate_every = count(f, "validate_every", 1, o.validate_every);
  o.validation_batches = f.integer("validation_batches", 1, 1 << 20, o.validation_batches);
  o.checkpoint_every_s = f.number("checkpoint_every_s", 0.0, kMaxNumber, o.checkpoint_every_s);
  o.seed = static_cast<std::uint64_t>(f.integer("seed", 0, kMaxCount, 1));
  for (const std::string& key : others) {
    f.ignore(key);
  }
  f.refuse_unknown();
  return o;
}

int min_segment_samples(const AdversarialOptions& options) {
  int samples = DiscriminatorsImpl::min_samples(options.discriminators);
  for (const SpectrogramShape& shape : options.stft_resolutions) {
    samples = std::max(samples, shape.fft_size / 2 + 1);
  }
  return samples;
}

}  // namespace ondes
