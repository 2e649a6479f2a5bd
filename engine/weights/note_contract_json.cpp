#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"

namespace ondes {
namespace {

constexpr int kMaxHarmonics = 256;
constexpr std::size_t kMaxBands = 128;
constexpr std::size_t kMaxDecays = 64;
constexpr std::size_t kMaxInstruments = 256;
constexpr std::size_t kMaxNameBytes = 64;
constexpr double kMinDecaySeconds = 1e-5;
constexpr double kMaxDecaySeconds = 1000.0;

// The shortest decimal that reads back as the same float, so that 0.003 is not written as
// 0.003000000026077032.
nlohmann::json shortest(float value) {
  for (int digits = 1; digits <= 9; ++digits) {
    const double scale = std::pow(10.0, digits);
    const double rounded = std::round(static_cast<double>(value) * scale) / scale;
    if (static_cast<float>(rounded) == value) {
      return rounded;
    }
  }
  return value;
}

nlohmann::json shortest(const std::vector<float>& values) {
  nlohmann::json result = nlohmann::json::array();
  for (const float value : values) {
    result.push_back(shortest(value));
  }
  return result;
}

void check_instruments(const NoteContract& contract, const JsonFields& fields) {
  if (contract.programs.size() != contract.instruments.size()) {
    fields.refuse("programs",
                  "as many as instruments (" + std::to_string(contract.instruments.size()) + ")",
                  std::to_string(contract.programs.size()));
  }
  std::set<std::string> names;
  for (const std::string& instrument : contract.instruments) {
    if (!names.insert(instrument).second) {
      fields.refuse("instruments", "different names", quote(instrument) + " twice");
    }
  }
}

void check_row_features(const NoteContract& contract, JsonFields& fields) {
  if (!fields.has("row_features")) {  // optional, see voice_file.h
    return;
  }
  const std::vector<std::string> expected = contract.row_feature_names();
  const std::vector<std::string> found =
      fields.texts("row_features", {expected.size(), expected.size()}, 2 * kMaxNameBytes);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (found[i] != expected[i]) {
      fields.refuse("row_features[" + std::to_string(i) + "]", quote(expected[i]), quote(found[i]));
    }
  }
}

}  // namespace

NoteContract note_contract_from_json(const nlohmann::json& features, const std::string& name) {
  JsonFields fields(features, name + ": features");
  static_cast<void>(fields.choice("kind", {"notes"}));
  NoteContract contract;
  contract.sample_rate_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  contract.hop_samples = fields.integer("hop", 1, kMaxHopSamples);
  contract.harmonics = fields.integer("harmonics", 0, kMaxHarmonics);
  contract.phase = fields.boolean("phase", false);
  contract.pitch_centres = fields.numbers("pitch_centres", {0, kMaxBands}, 0.0, 127.0);
  contract.pitch_width = static_cast<float>(fields.number("pitch_width", 0.01, 127.0));
  contract.onset_decays_s =
      fields.numbers("onset_decays_s", {0, kMaxDecays}, kMinDecaySeconds, kMaxDecaySeconds);
  contract.release_decays_s =
      fields.numbers("release_decays_s", {0, kMaxDecays}, kMinDecaySeconds, kMaxDecaySeconds);
  contract.instruments = fields.texts("instruments", {1, kMaxInstruments}, kMaxNameBytes);
  contract.programs = fields.integers("programs", {0, kMaxInstruments}, 0, 127);
  check_instruments(contract, fields);
  check_row_features(contract, fields);
  fields.refuse_unknown();
  return contract;
}

nlohmann::json note_contract_to_json(const NoteContract& contract) {
  nlohmann::json features = {{"kind", "notes"},
                             {"sample_rate", contract.sample_rate_hz},
                             {"hop", contract.hop_samples},
                             {"harmonics", contract.harmonics},
                             {"pitch_centres", shortest(contract.pitch_centres)},
                             {"pitch_width", shortest(contract.pitch_width)},
                             {"onset_decays_s", shortest(contract.onset_decays_s)},
                             {"release_decays_s", shortest(contract.release_decays_s)},
                             {"instruments", contract.instruments},
                             {"programs", contract.programs},
                             {"row_features", contract.row_feature_names()}};
  if (contract.phase) {
    features["phase"] = true;
  }
  return features;
}

}  // namespace ondes
