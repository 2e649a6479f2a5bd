#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/files/json_fields.h"
#include "models/wavenet/wavenet.h"

namespace ondes {
namespace {

constexpr int kMaxChannels = 4096;
constexpr std::size_t kMaxLayers = 256;
constexpr std::size_t kMaxDenseLayers = 16;
constexpr int kMaxDilation = 65536;
constexpr int kMaxMixtureComponents = 256;
// A lane remembers R values for each sample of each layer's past: 64 MiB of floats. Without this
// bound a small file could ask for hundreds of gigabytes.
constexpr long long kMaxHistoryValues = 1LL << 24;

const std::vector<std::string> kInputNames{"scalar", "embedding"};
const std::vector<std::string> kDistributionNames{"mu_law_categorical", "logistic_mixture",
                                                  "gaussian"};

void check_combinations(const WavenetConfig& config, const JsonFields& fields) {
  if (!config.has_level && !config.level_channels.empty()) {
    fields.refuse("level_channels", "none without has_level",
                  std::to_string(config.level_channels.size()));
  }
  if (config.input == InputKind::embedding &&
      config.distribution != Distribution::mu_law_categorical) {
    fields.refuse("input",
                  "'scalar', because only a mu_law_categorical output has classes to embed",
                  "'embedding'");
  }
  const long long past_samples =
      std::accumulate(config.dilations.begin(), config.dilations.end(), 0LL) * (config.taps - 1);
  if (past_samples * config.residual_channels > kMaxHistoryValues) {
    fields.refuse("dilations",
                  "a history of at most " + std::to_string(kMaxHistoryValues) +
                      " values a lane (past samples times residual_channels)",
                  std::to_string(past_samples * config.residual_channels));
  }
}

}  // namespace

WavenetConfig wavenet_config_from_json(const nlohmann::json& config, const std::string& name) {
  JsonFields fields(config, name + ": config");
  WavenetConfig result;
  result.residual_channels = fields.integer("residual_channels", 1, kMaxChannels);
  result.gate_channels = fields.integer("gate_channels", 1, kMaxChannels);
  result.skip_channels = fields.integer("skip_channels", 1, kMaxChannels);
  result.head_channels = fields.integer("head_channels", 1, kMaxChannels);
  result.taps = fields.integer("taps", 2, 3);
  result.dilations = fields.integers("dilations", {1, kMaxLayers}, 1, kMaxDilation);
  if (fields.has("encoder_channels")) {
    result.encoder_channels =
        fields.integers("encoder_channels", {0, kMaxDenseLayers}, 1, kMaxChannels);
  }
  if (fields.has("level_channels")) {
    result.level_channels =
        fields.integers("level_channels", {0, kMaxDenseLayers}, 1, kMaxChannels);
  }
  result.has_level = fields.boolean("has_level", result.has_level);
  result.input = static_cast<InputKind>(
      fields.choice("input", kInputNames, static_cast<std::size_t>(result.input)));
  result.distribution = static_cast<Distribution>(fields.choice(
      "distribution", kDistributionNames, static_cast<std::size_t>(result.distribution)));
  result.mixture_components =
      fields.integer("mixture_components", 1, kMaxMixtureComponents, result.mixture_components);
  result.classes = fields.integer("classes", 2, kMaxChannels, result.classes);
  result.log_scale_floor =
      static_cast<float>(fields.number("log_scale_floor", -30.0, 0.0, result.log_scale_floor));
  fields.ignore("upsampling");
  result.upsampling = wavenet_upsampling_from_json(config, name + ": config");
  fields.refuse_unknown();
  check_combinations(result, fields);
  return result;
}

nlohmann::json wavenet_config_to_json(const WavenetConfig& config) {
  nlohmann::json object = {
      {"residual_channels", config.residual_channels},
      {"gate_channels", config.gate_channels},
      {"skip_channels", config.skip_channels},
      {"head_channels", config.head_channels},
      {"taps", config.taps},
      {"dilations", config.dilations},
      {"encoder_channels", config.encoder_channels},
      {"level_channels", config.level_channels},
      {"has_level", config.has_level},
      {"input", kInputNames.at(static_cast<std::size_t>(config.input))},
      {"distribution", kDistributionNames.at(static_cast<std::size_t>(config.distribution))},
      {"mixture_components", config.mixture_components},
      {"classes", config.classes},
      {"log_scale_floor", config.log_scale_floor}};
  if (!config.upsampling.empty()) {
    object["upsampling"] = wavenet_upsampling_to_json(config.upsampling);
  }
  return object;
}

}  // namespace ondes
