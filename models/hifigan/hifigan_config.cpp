#include "models/hifigan/hifigan_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr int kMaxChannels = 8192;
constexpr int kMaxTaps = 1024;
constexpr int kMaxDilation = 4096;
constexpr int kMaxBands = 4096;
constexpr int kMaxFftSize = 1 << 16;
constexpr int kMaxSpeakers = 100000;
constexpr std::size_t kMaxStages = 12;
constexpr std::size_t kMaxResblocks = 16;
constexpr std::size_t kMaxDilations = 16;

const std::vector<std::string> kActivationNames{"leaky_relu", "snake", "snakebeta"};

// What optimizers, losses, discriminators and loaders of HiFi-GAN, BigVGAN and iSTFTNet read.
constexpr std::array<std::string_view, 34> kTrainingKeys{
    "adam_b1",
    "adam_b2",
    "batch_size",
    "checkpoint_interval",
    "clip_grad_norm",
    "discriminator_channel_mult",
    "dist_backend",
    "dist_config",
    "dist_url",
    "fine_tuning",
    "fmax_for_loss",
    "fmin_for_loss",
    "freeze_step",
    "input_training_file",
    "input_validation_file",
    "input_wavs_dir",
    "learning_rate",
    "lr_decay",
    "max_wav_value",
    "n_cache_reuse",
    "normalize_volume",
    "num_freq",
    "num_gpus",
    "num_workers",
    "resolutions",
    "seed",
    "segment_size",
    "split",
    "stdout_interval",
    "summary_interval",
    "training_epochs",
    "use_multiscale_melloss",
    "use_spectral_norm",
    "validation_interval",
};
constexpr std::array<std::string_view, 8> kTrainingPrefixes{
    "cqtd_", "disc_", "lambda_", "mbd_", "mpd_", "mrd_", "msd_", "use_cqtd_",
};

bool is_training_key(const std::string& key) {
  return std::find(kTrainingKeys.begin(), kTrainingKeys.end(), key) != kTrainingKeys.end() ||
         key.starts_with("use_mbd_") ||
         std::any_of(kTrainingPrefixes.begin(), kTrainingPrefixes.end(),
                     [&](std::string_view prefix) { return key.starts_with(prefix); });
}

// The one of several names of a field that is there; the first if none is.
std::string pick(const JsonFields& fields, const std::vector<std::string>& aliases) {
  std::string found;
  for (const std::string& alias : aliases) {
    if (!fields.has(alias)) {
      continue;
    }
    if (!found.empty()) {
      fields.refuse(alias, "one name for this field", quote(found) + " too");
    }
    found = alias;
  }
  return found.empty() ? aliases.front() : found;
}

// Reads the upper frequency: absent or null is half the rate, given as 0.
double read_max_hz(const json& config, JsonFields* fields) {
  const std::string key = pick(*fields, {"fmax", "mel_fmax"});
  // A null is asked for all the same, so that refuse_unknown() knows the key.
  const bool null = fields->has(key) && config.at(key).is_null();
  return null ? 0.0 : fields->number(key, 1.0, kMaxSampleRateHz, 0.0);
}

// "1", 1: published files write a text.
int read_resblock(const json& config, JsonFields* fields) {
  if (fields->has("resblock") && config.at("resblock").is_number_integer()) {
    return fields->integer("resblock", 1, 2);
  }
  return 1 + static_cast<int>(fields->choice("resblock", {"1", "2"}));
}

std::vector<std::vector<int>> read_dilations(const json& config,
                                             std::size_t kernels,
                                             const std::string& where,
                                             const JsonFields& fields) {
  constexpr const char* kKey = "resblock_dilation_sizes";
  const auto found = config.find(kKey);
  if (found == config.end() || !found->is_array() || found->size() != kernels) {
    fields.refuse(kKey,
                  "one array for each of resblock_kernel_sizes (" + std::to_string(kernels) + ")",
                  found == config.end() ? "nothing"
                  : found->is_array()   ? std::to_string(found->size())
                                        : std::string(found->type_name()));
  }
  std::vector<std::vector<int>> result;
  for (std::size_t i = 0; i < kernels; ++i) {
    // The element as a field of its own, so that its message says which one it is.
    const std::string name = std::string(kKey) + "[" + std::to_string(i) + "]";
    const json element{{name, (*found)[i]}};
    result.push_back(
        JsonFields(element, where).integers(name, {1, kMaxDilations}, 1, kMaxDilation));
  }
  return result;
}

void check_sizes(const HifiganConfig& config, const JsonFields& fields) {
  for (std::size_t i = 0; i < config.upsample_rates.size(); ++i) {
    const int rate = config.upsample_rates[i];
    const int taps = config.upsample_kernel_sizes[i];
    if (taps < rate || (taps - rate) % 2 != 0) {
      fields.refuse("upsample_kernel_sizes[" + std::to_string(i) + "]",
                    "the rate (" + std::to_string(rate) +
                        ") plus an even number, so that frames and samples agree exactly",
                    std::to_string(taps));
    }
  }
  for (std::size_t i = 0; i < config.resblock_kernel_sizes.size(); ++i) {
    if (config.resblock_kernel_sizes[i] % 2 == 0) {
      fields.refuse("resblock_kernel_sizes[" + std::to_string(i) + "]", "an odd number",
                    std::to_string(config.resblock_kernel_sizes[i]));
    }
  }
  if (config.stage_channels(config.stages() - 1) < 1) {
    fields.refuse("upsample_initial_channel",
                  "at least " + std::to_string(1 << config.stages()) + " for " +
                      std::to_string(config.stages()) + " stages that halve it",
                  std::to_string(config.upsample_initial_channel));
  }
}

void check_hop(const HifiganConfig& config,
               const JsonFields& fields,
               const std::string& hop_key,
               int hop_samples) {
  long long product = std::max(config.istft_hop_samples, 1);
  for (const int rate : config.upsample_rates) {
    product = std::min(product * rate, 1LL << 40);
  }
  if (product > kMaxHopSamples) {
    fields.refuse("upsample_rates", "a product of at most " + std::to_string(kMaxHopSamples),
                  std::to_string(product));
  }
  if (hop_samples != 0 && hop_samples != product) {
    fields.refuse(hop_key,
                  "the product of upsample_rates" +
                      std::string(config.has_istft() ? " and gen_istft_hop_size" : "") + " (" +
                      std::to_string(product) + ")",
                  std::to_string(hop_samples));
  }
}

void check_combinations(const HifiganConfig& config, const JsonFields& fields) {
  if (config.has_istft() != (config.istft_hop_samples != 0)) {
    fields.refuse(config.has_istft() ? "gen_istft_hop_size" : "gen_istft_n_fft",
                  "a value, because the other one is there", "nothing");
  }
  if (config.has_istft() &&
      (config.istft_fft_size % 2 != 0 || config.istft_hop_samples * 2 > config.istft_fft_size)) {
    fields.refuse("gen_istft_n_fft", "an even size of at least two hops",
                  std::to_string(config.istft_fft_size));
  }
  if (config.has_istft() && (config.has_snake() || !config.use_tanh_at_final)) {
    fields.refuse("gen_istft_n_fft", "none with Snake activations or a clamped output",
                  std::to_string(config.istft_fft_size));
  }
  if ((config.speakers != 0) != (config.speaker_channels != 0)) {
    fields.refuse(config.speakers != 0 ? "gin_channels" : "num_speakers",
                  "a value, because the other one is there", "nothing");
  }
  if (config.sample_rate_hz != 0 && config.max_hz > 0.5 * config.sample_rate_hz) {
    fields.refuse("fmax", "at most half of sampling_rate", std::to_string(config.max_hz));
  }
}

// Remembers the training keys; JsonFields then refuses whatever else nobody asked for.
void read_ignored(const json& config, JsonFields* fields, HifiganConfig* result) {
  for (const auto& [key, value] : config.items()) {
    if (is_training_key(key)) {
      result->ignored.push_back(key);
      fields->ignore(key);
    }
  }
}

}  // namespace

int HifiganConfig::hop_samples() const {
  int hop = std::max(istft_hop_samples, 1);
  for (const int rate : upsample_rates) {
    hop *= rate;
  }
  return hop;
}

HifiganConfig hifigan_config_from_json(const json& config, const std::string& name) {
  JsonFields fields(config, name + ": config");
  HifiganConfig result;
  result.resblock = read_resblock(config, &fields);
  result.upsample_rates = fields.integers("upsample_rates", {1, kMaxStages}, 1, kMaxHopSamples);
  result.upsample_kernel_sizes =
      fields.integers("upsample_kernel_sizes",
                      {result.upsample_rates.size(), result.upsample_rates.size()}, 1, kMaxTaps);
  result.upsample_initial_channel = fields.integer("upsample_initial_channel", 1, kMaxChannels);
  result.resblock_kernel_sizes =
      fields.integers("resblock_kernel_sizes", {1, kMaxResblocks}, 1, kMaxTaps);
  fields.ignore("resblock_dilation_sizes");
  result.resblock_dilation_sizes =
      read_dilations(config, result.resblock_kernel_sizes.size(), name + ": config", fields);
  result.activation =
      static_cast<HifiganActivation>(fields.choice("activation", kActivationNames, 0));
  result.snake_logscale = fields.boolean("snake_logscale", false);
  result.use_tanh_at_final = fields.boolean("use_tanh_at_final", true);
  result.use_bias_at_final = fields.boolean("use_bias_at_final", true);
  result.istft_fft_size = fields.integer("gen_istft_n_fft", 4, kMaxFftSize, 0);
  result.istft_hop_samples = fields.integer("gen_istft_hop_size", 1, kMaxHopSamples, 0);
  result.speakers =
      fields.integer(pick(fields, {"num_speakers", "n_speakers"}), 0, kMaxSpeakers, 0);
  result.speaker_channels = fields.integer("gin_channels", 0, kMaxChannels, 0);

  result.mel_bands =
      fields.integer(pick(fields, {"num_mels", "n_mels", "n_mel_channels"}), 1, kMaxBands);
  result.sample_rate_hz = fields.integer(pick(fields, {"sampling_rate", "sample_rate"}),
                                         kMinSampleRateHz, kMaxSampleRateHz, 0);
  result.fft_size =
      fields.integer(pick(fields, {"n_fft", "fft_size", "filter_length"}), 2, kMaxFftSize, 0);
  const std::string hop_key = pick(fields, {"hop_size", "hop_length"});
  const int hop_samples = fields.integer(hop_key, 1, kMaxHopSamples, 0);
  result.window_samples =
      fields.integer(pick(fields, {"win_size", "win_length"}), 1, kMaxFftSize, 0);
  result.min_hz = fields.number(pick(fields, {"fmin", "mel_fmin"}), 0.0, kMaxSampleRateHz, 0.0);
  result.max_hz = read_max_hz(config, &fields);
  fields.ignore("fmax");
  fields.ignore("mel_fmax");

  read_ignored(config, &fields, &result);
  fields.refuse_unknown();
  check_sizes(result, fields);
  check_hop(result, fields, hop_key, hop_samples);
  check_combinations(result, fields);
  return result;
}

json hifigan_config_to_json(const HifiganConfig& config) {
  json result{{"resblock", std::to_string(config.resblock)},
              {"upsample_rates", config.upsample_rates},
              {"upsample_kernel_sizes", config.upsample_kernel_sizes},
              {"upsample_initial_channel", config.upsample_initial_channel},
              {"resblock_kernel_sizes", config.resblock_kernel_sizes},
              {"resblock_dilation_sizes", config.resblock_dilation_sizes},
              {"num_mels", config.mel_bands},
              {"hop_size", config.hop_samples()}};
  if (config.has_snake()) {
    result["activation"] = kActivationNames.at(static_cast<std::size_t>(config.activation));
    result["snake_logscale"] = config.snake_logscale;
  }
  if (!config.use_tanh_at_final) {
    result["use_tanh_at_final"] = false;
  }
  if (!config.use_bias_at_final) {
    result["use_bias_at_final"] = false;
  }
  const auto put = [&result](const char* key, auto value) {
    if (value != 0) {
      result[key] = value;
    }
  };
  put("gen_istft_n_fft", config.istft_fft_size);
  put("gen_istft_hop_size", config.istft_hop_samples);
  put("num_speakers", config.speakers);
  put("gin_channels", config.speaker_channels);
  put("sampling_rate", config.sample_rate_hz);
  put("n_fft", config.fft_size);
  put("win_size", config.window_samples);
  put("fmin", config.min_hz);
  put("fmax", config.max_hz);
  return result;
}

HifiganConfig hifigan_variant(int variant) {
  HifiganConfig config;
  config.sample_rate_hz = 22050;
  config.fft_size = 1024;
  config.window_samples = 1024;
  config.max_hz = 8000.0;
  switch (variant) {
    case 1:
    case 2:
      config.upsample_rates = {8, 8, 2, 2};
      config.upsample_kernel_sizes = {16, 16, 4, 4};
      config.upsample_initial_channel = variant == 1 ? 512 : 128;
      config.resblock_kernel_sizes = {3, 7, 11};
      config.resblock_dilation_sizes = {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}};
      return config;
    case 3:
      config.resblock = 2;
      config.upsample_rates = {8, 8, 4};
      config.upsample_kernel_sizes = {16, 16, 8};
      config.upsample_initial_channel = 256;
      config.resblock_kernel_sizes = {3, 5, 7};
      config.resblock_dilation_sizes = {{1, 2}, {2, 6}, {3, 12}};
      return config;
    default:
      throw Error(ErrorCode::usage,
                  "HiFi-GAN variant: expected 1, 2 or 3, found " + std::to_string(variant));
  }
}

}  // namespace ondes
