#include "engine/weights/mel_contract_json.h"

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"

namespace ondes {
namespace {

constexpr int kMaxFftSize = 65536;
constexpr int kMaxMels = 1024;
constexpr double kMinFloor = 1e-30;  // well inside float: 1e-38 is where it loses precision

template <typename Enum>
Enum choice(JsonFields& fields, const char* key, const std::vector<std::string>& names) {
  return static_cast<Enum>(fields.choice(key, names));
}

template <typename Enum>
const std::string& text(Enum value, const std::vector<std::string>& names) {
  return names[static_cast<std::size_t>(value)];
}

// Conditions between fields.
void check_fields(const MelContract& contract, const JsonFields& fields) {
  if (contract.fmin_hz >= contract.fmax_hz) {
    fields.refuse("fmin", "below fmax", std::to_string(contract.fmin_hz));
  }
  if (contract.padding == MelPadding::reflect_hop && contract.hop_samples > contract.fft_size) {
    fields.refuse("hop", "at most fft with padding \"reflect_hop\"",
                  std::to_string(contract.hop_samples));
  }
}

}  // namespace

MelContract mel_contract_from_json(const nlohmann::json& features, const std::string& name) {
  JsonFields fields(features, name + ": features");
  static_cast<void>(fields.choice("kind", {"mel"}));
  MelContract contract;
  contract.sample_rate_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  contract.fft_size = fields.integer("fft", 16, kMaxFftSize);
  if (contract.fft_size % 2 != 0) {
    fields.refuse("fft", "an even number", std::to_string(contract.fft_size));
  }
  contract.hop_samples = fields.integer("hop", 1, kMaxFftSize);
  contract.window_samples = fields.integer("window", 2, contract.fft_size, contract.fft_size);
  contract.window = static_cast<MelWindow>(fields.choice("window_shape", mel_window_names(), 0));
  contract.mels = fields.integer("mels", 1, kMaxMels);
  contract.fmin_hz = fields.number("fmin", 0.0, contract.sample_rate_hz / 2.0);
  contract.fmax_hz = fields.number("fmax", 0.0, contract.sample_rate_hz / 2.0);
  contract.scale = choice<MelScale>(fields, "scale", mel_scale_names());
  contract.norm = choice<MelNorm>(fields, "norm", mel_norm_names());
  contract.magnitude = choice<MelMagnitude>(fields, "magnitude", mel_magnitude_names());
  contract.magnitude_epsilon = fields.number("magnitude_epsilon", 0.0, 1.0, 0.0);
  contract.log = choice<MelLog>(fields, "log", mel_log_names());
  contract.floor = fields.number("floor", kMinFloor, 1.0);
  contract.padding = choice<MelPadding>(fields, "padding", mel_padding_names());
  contract.top_db = fields.number("top_db", 0.0, 1000.0, 0.0);
  contract.pre_emphasis = fields.number("pre_emphasis", 0.0, 1.0, 0.0);
  contract.removes_dc = fields.boolean("removes_dc", false);
  contract.sample_scale = fields.number("sample_scale", 1e-6, 1e6, 1.0);
  check_fields(contract, fields);
  fields.refuse_unknown();
  return contract;
}

nlohmann::json mel_contract_to_json(const MelContract& contract) {
  return {{"kind", "mel"},
          {"sample_rate", contract.sample_rate_hz},
          {"fft", contract.fft_size},
          {"hop", contract.hop_samples},
          {"window", contract.window_samples},
          {"window_shape", text(contract.window, mel_window_names())},
          {"mels", contract.mels},
          {"fmin", contract.fmin_hz},
          {"fmax", contract.fmax_hz},
          {"scale", text(contract.scale, mel_scale_names())},
          {"norm", text(contract.norm, mel_norm_names())},
          {"magnitude", text(contract.magnitude, mel_magnitude_names())},
          {"magnitude_epsilon", contract.magnitude_epsilon},
          {"log", text(contract.log, mel_log_names())},
          {"floor", contract.floor},
          {"padding", text(contract.padding, mel_padding_names())},
          {"top_db", contract.top_db},
          {"pre_emphasis", contract.pre_emphasis},
          {"removes_dc", contract.removes_dc},
          {"sample_scale", contract.sample_scale}};
}

void validate(const MelContract& contract, const std::string& name) {
  static_cast<void>(mel_contract_from_json(mel_contract_to_json(contract), name));
}

}  // namespace ondes
