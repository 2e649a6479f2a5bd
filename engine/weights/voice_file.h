// Voice files: one .safetensors with the voice's description as JSON under the metadata key
// `ondes`.
//
//   { "schema": 1, "name": "...", "architecture": "wavenet", "sample_rate": 24000,
//     "config": {...}, "features": {"kind": "notes", ...}, "training": {...}, "licence": "..." }
//
// Required: all but training and licence. Further keys are kept and not judged. `features` of the
// kind "notes":
//   { "kind": "notes", "sample_rate": 24000, "hop": 64, "harmonics": 12, "pitch_centres": [...],
//     "pitch_width": 6, "onset_decays_s": [...], "release_decays_s": [...],
//     "instruments": ["piano", ...], "programs": [0, ...], "row_features": ["pitch", ...] }
// row_features repeats what follows from the rest, for a reader in another language; where it is
// there, it must agree. Of the kind "mel" (vocoders): engine/weights/mel_contract_json.h. Of the kind
// "audio" (what processes sound): { "kind": "audio", "sample_rate": 48000 }.
//
// Set-up thread. Everything throws Error{bad_input} naming file, field, expected, found.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "engine/weights/safetensors.h"

namespace ondes {

inline constexpr int kVoiceSchema = 1;
inline constexpr int kMinSampleRateHz = 8000;
inline constexpr int kMaxSampleRateHz = 192000;
inline constexpr int kMaxHopSamples = 4096;

struct VoiceFile {
  SafetensorsFile weights;
  std::shared_ptr<const nlohmann::json> description;
  std::string name;
  std::string architecture;
  std::string feature_kind;  // "notes", "mel", "audio", or what a newer Ondes knows
  int sample_rate_hz = 0;
  double temperature = 1.0;  // what the voice is best played with; optional in the description
  std::string sha256;        // of the whole file, lower-case hex
};

// The weights point into `bytes`, which must outlive the voice and what is compiled from it.
VoiceFile parse_voice(std::span<const std::byte> bytes, const std::string& name);
// Maps the file; the voice and what is compiled from it keep the mapping alive. Throws Error{io}
// too.
VoiceFile open_voice(const std::string& path);

// The bytes of a voice file. The description is checked as parse_voice checks it.
std::vector<std::byte> write_voice(const nlohmann::json& description,
                                   const std::map<std::string, TensorData>& tensors);

// The "features" object of a note voice, both ways.
NoteContract note_contract_from_json(const nlohmann::json& features, const std::string& name);
nlohmann::json note_contract_to_json(const NoteContract& contract);

}  // namespace ondes
