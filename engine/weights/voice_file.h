// Voice files: one .safetensors with the voice's description as JSON under the metadata key `ondes`.
//
//   { "schema": 1, "name": "...", "architecture": "wavenet", "sample_rate": 24000,
//     "config": {...}, "features": {"kind": "notes", ...}, "training": {...}, "licence": "..." }
//
// Set-up thread. Everything throws Error{bad_input} naming file, field, expected, found.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <memory>
#include <string>

#include "engine/conditioning/note_contract.h"
#include "engine/weights/safetensors.h"

namespace ondes {

inline constexpr int kVoiceSchema = 1;

struct VoiceFile {
  SafetensorsFile weights;
  std::shared_ptr<const nlohmann::json> description;
  std::string name;
  std::string architecture;
  int sample_rate_hz = 0;
  std::string sha256;          // of the whole file, lower-case hex
};

VoiceFile parse_voice(std::span<const std::byte> bytes, const std::string& name);
VoiceFile open_voice(const std::string& path);

// The "features" object of a note voice, both ways.
NoteContract note_contract_from_json(const nlohmann::json& features, const std::string& name);
nlohmann::json note_contract_to_json(const NoteContract& contract);

}  // namespace ondes
