#include <nlohmann/json.hpp>

#include "engine/files/json_fields.h"
#include "models/note_generator/note_generator.h"

namespace ondes {
namespace {

constexpr int kMaxWidth = 4096;

}  // namespace

NoteGeneratorConfig note_generator_config_from_json(const nlohmann::json& json,
                                                    const std::string& name) {
  JsonFields fields(json, name + ": config");
  NoteGeneratorConfig config;
  config.partials = fields.integer("partials", 1, 1024);
  config.noise_bands = fields.integer("noise_bands", 2, 512);
  config.noise_taps = fields.integer("noise_taps", 16, 4096);
  if (config.noise_taps % 16 != 0) {
    fields.refuse("noise_taps", "a multiple of 16", std::to_string(config.noise_taps));
  }
  config.control_channels = fields.integers("control_channels", {0, 16}, 1, kMaxWidth);
  config.has_detune = fields.boolean("has_detune", config.has_detune);
  if (fields.has("detune_channels")) {
    config.detune_channels = fields.integers("detune_channels", {0, 16}, 1, kMaxWidth);
  }
  config.level_channels = fields.integers("level_channels", {0, 16}, 1, kMaxWidth);
  fields.refuse_unknown();
  return config;
}

nlohmann::json note_generator_config_to_json(const NoteGeneratorConfig& config) {
  return {{"partials", config.partials},
          {"noise_bands", config.noise_bands},
          {"noise_taps", config.noise_taps},
          {"control_channels", config.control_channels},
          {"has_detune", config.has_detune},
          {"detune_channels", config.detune_channels},
          {"level_channels", config.level_channels}};
}

}  // namespace ondes
