#include "engine/weights/voice_file.h"

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/files/sha256.h"
#include "engine/weights/mel_contract_json.h"

namespace ondes {
namespace {

constexpr const char* kDescriptionKey = "ondes";
constexpr double kMaxTemperature = 10.0;
constexpr std::size_t kMaxNameBytes = 200;

// Checks the features of the kinds that are known, and returns the kind.
std::string read_features(const nlohmann::json& features, const std::string& file, int rate_hz) {
  JsonFields fields(features, file + ": features");
  std::string kind = fields.text("kind", kMaxNameBytes);
  int found_hz = rate_hz;
  if (kind == "notes") {
    found_hz = note_contract_from_json(features, file).sample_rate_hz;
  } else if (kind == "mel") {
    found_hz = mel_contract_from_json(features, file).sample_rate_hz;
  } else if (kind == "audio") {
    found_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
    fields.refuse_unknown();
  }
  if (found_hz != rate_hz) {
    fields.refuse("sample_rate", "the voice's (" + std::to_string(rate_hz) + ")",
                  std::to_string(found_hz));
  }
  return kind;
}

// Fills what the description says; leaves weights and hash alone.
void read_description(nlohmann::json description, const std::string& file, VoiceFile* voice) {
  JsonFields fields(description, file);
  const int schema = fields.integer("schema", 1, 1'000'000);
  if (schema != kVoiceSchema) {
    fields.refuse("schema", std::to_string(kVoiceSchema),
                  std::to_string(schema) + " (made for a newer Ondes)");
  }
  voice->name = fields.text("name", kMaxNameBytes);
  voice->architecture = fields.text("architecture", kMaxNameBytes);
  voice->sample_rate_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  voice->temperature = fields.number("temperature", 0.0, kMaxTemperature, 1.0);
  static_cast<void>(fields.object("config"));
  if (fields.has("training")) {
    static_cast<void>(fields.object("training"));
  }
  static_cast<void>(fields.text("licence", std::string()));

  voice->feature_kind = read_features(fields.object("features"), file, voice->sample_rate_hz);
  voice->description = std::make_shared<const nlohmann::json>(std::move(description));
}

VoiceFile read_voice(SafetensorsFile weights, std::span<const std::byte> bytes) {
  const auto found = weights.metadata.find(kDescriptionKey);
  if (found == weights.metadata.end()) {
    throw Error(ErrorCode::bad_input, weights.name + ": expected a voice's description under '" +
                                          kDescriptionKey + "' in __metadata__, found none");
  }
  VoiceFile voice;
  read_description(parse_json(found->second, weights.name + ": voice description"), weights.name,
                   &voice);
  voice.weights = std::move(weights);
  voice.sha256 = sha256_hex(bytes);
  return voice;
}

}  // namespace

VoiceFile parse_voice(std::span<const std::byte> bytes, const std::string& name) {
  return read_voice(parse_safetensors(bytes, name), bytes);
}

VoiceFile open_voice(const std::string& path) {
  const auto mapping = std::make_shared<const MappedFile>(path);
  SafetensorsFile weights = parse_safetensors(mapping->bytes(), path);
  if (!weights.storage) {
    weights.storage = mapping;
  }
  return read_voice(std::move(weights), mapping->bytes());
}

std::vector<std::byte> write_voice(const nlohmann::json& description,
                                   const std::map<std::string, TensorData>& tensors) {
  VoiceFile unused;
  read_description(description, "voice description", &unused);
  std::string text;
  try {
    text = description.dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(ErrorCode::bad_input,
                "voice description: expected text in UTF-8, found other bytes");
  }
  return write_safetensors({{kDescriptionKey, text}}, tensors);
}

}  // namespace ondes
