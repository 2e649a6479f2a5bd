#include "apps/mel_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/voices.h"
#include "dsp/log_mel.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/voice_file.h"
#include "models/mel_analysis.h"

namespace ondes {
namespace {

const std::vector<std::string> kDcNames{"false", "true"};

MelContract voice_contract(const std::string& name) {
  const std::string path = locate_voice(name).string();
  const VoiceFile voice = open_voice(path);
  const nlohmann::json& features = voice.description->at("features");
  if (features.value("kind", "") != "mel") {
    throw Error(ErrorCode::bad_input, path + ": features: field 'kind': expected \"mel\", found " +
                                          quote(features.value("kind", "")));
  }
  return mel_contract_from_json(features, path);
}

template <typename T, typename U>
void replace(T& field, const std::optional<U>& given) {
  if (given.has_value()) {
    field = *given;
  }
}

template <typename Enum>
void replace(Enum& field,
             const std::optional<std::string>& given,
             const std::vector<std::string>& names) {
  if (given.has_value()) {  // CLI11 let only names of the list pass
    field = static_cast<Enum>(std::find(names.begin(), names.end(), *given) - names.begin());
  }
}

}  // namespace

void add_mel_options(CLI::App& command, MelOptions& options) {
  const auto choice = [&command](const char* flag, std::optional<std::string>& target,
                                 const char* help, const std::vector<std::string>& names) {
    command.add_option(flag, target, help)->check(CLI::IsMember(names))->group("Analysis");
  };
  const auto value = [&command](const char* flag, auto& target, const char* help) {
    command.add_option(flag, target, help)->group("Analysis");
  };
  CLI::Option* profile =
      command.add_option("--profile", options.profile, "The analysis to start from")
          ->check(CLI::IsMember(mel_profile_names()))
          ->capture_default_str();
  command.add_option("--voice", options.voice, "Start from the analysis this voice expects")
      ->excludes(profile);
  value("--rate", options.rate_hz, "Sample rate of the analysis in Hz; other audio is resampled");
  value("--fft", options.fft_size, "FFT size in samples");
  value("--hop", options.hop_samples, "Samples from frame to frame");
  value("--window", options.window_samples, "Window in samples, at most the FFT");
  choice("--window-shape", options.window_shape, "Window", mel_window_names());
  value("--mels", options.mels, "Bands");
  value("--fmin", options.fmin_hz, "Lower edge in Hz");
  value("--fmax", options.fmax_hz, "Upper edge in Hz");
  choice("--scale", options.scale, "Mel scale", mel_scale_names());
  choice("--norm", options.norm, "Norm of the bands", mel_norm_names());
  choice("--magnitude", options.magnitude, "What the bands add up", mel_magnitude_names());
  value("--epsilon", options.epsilon, "Added to the power before the root");
  choice("--log", options.log, "Logarithm", mel_log_names());
  value("--floor", options.floor, "Least value the logarithm is taken of");
  choice("--padding", options.padding, "What stands before and after the audio",
         mel_padding_names());
  value("--top-db", options.top_db, "Raise what lies further below the greatest value; 0: not");
  value("--pre-emphasis", options.pre_emphasis, "x[n] - a x[n - 1]");
  value("--remove-dc", options.removes_dc, "Take every frame's mean away: true or false");
  value("--sample-scale", options.sample_scale, "What full scale is multiplied by");
}

MelContract mel_contract_of(const MelOptions& options) {
  MelContract contract = options.voice.empty()
                             ? mel_contract_of(mel_profile(options.profile).value())
                             : voice_contract(options.voice);
  const bool to_nyquist = contract.fmax_hz * 2.0 == contract.sample_rate_hz;
  const bool window_is_fft = contract.window_samples == contract.fft_size;
  replace(contract.sample_rate_hz, options.rate_hz);
  if (to_nyquist) {
    contract.fmax_hz = contract.sample_rate_hz / 2.0;
  }
  replace(contract.fft_size, options.fft_size);
  if (window_is_fft) {
    contract.window_samples = contract.fft_size;
  }
  replace(contract.window_samples, options.window_samples);
  replace(contract.hop_samples, options.hop_samples);
  replace(contract.window, options.window_shape, mel_window_names());
  replace(contract.mels, options.mels);
  replace(contract.fmin_hz, options.fmin_hz);
  replace(contract.fmax_hz, options.fmax_hz);
  replace(contract.scale, options.scale, mel_scale_names());
  replace(contract.norm, options.norm, mel_norm_names());
  replace(contract.magnitude, options.magnitude, mel_magnitude_names());
  replace(contract.magnitude_epsilon, options.epsilon);
  replace(contract.log, options.log, mel_log_names());
  replace(contract.floor, options.floor);
  replace(contract.padding, options.padding, mel_padding_names());
  replace(contract.top_db, options.top_db);
  replace(contract.pre_emphasis, options.pre_emphasis);
  replace(contract.removes_dc, options.removes_dc);
  replace(contract.sample_scale, options.sample_scale);
  try {
    validate(contract, "analysis");
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, error.what());
  }
  return contract;
}

}  // namespace ondes
