#include "models/importers/hifigan_import.h"

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

constexpr const char* kProbe = "conv_pre.bias";

std::string family_of(const HifiganConfig& config) {
  return config.has_snake() ? "BigVGAN" : config.has_istft() ? "iSTFTNet" : "HiFi-GAN";
}

// What the configuration leaves open is what the published programs take.
MelContract contract_of(const HifiganConfig& config,
                        const std::string& path,
                        std::vector<std::string>* assumed) {
  const auto require = [&](const char* field, int value) {
    if (value == 0) {
      throw Error(ErrorCode::bad_input,
                  path + ": config: field " + quote(field) + ": expected a value, found nothing");
    }
    return value;
  };
  MelContract contract;
  contract.sample_rate_hz = require("sampling_rate", config.sample_rate_hz);
  contract.fft_size = require("n_fft", config.fft_size);
  contract.hop_samples = config.hop_samples();
  contract.window_samples = config.window_samples != 0 ? config.window_samples : config.fft_size;
  contract.mels = config.mel_bands;
  contract.fmin_hz = config.min_hz;
  contract.fmax_hz = config.max_hz > 0.0 ? config.max_hz : 0.5 * config.sample_rate_hz;
  assumed->push_back(
      "the mel is " + family_of(config) +
      "'s own (amplitudes with 1e-9 under the root, Slaney bands, ln of at least 1e-5): the "
      "configuration does not say otherwise");
  return contract;
}

// Filters of anti-aliased activations are the same in every checkpoint; the compiler has compared
// them.
void drop_filters(FloatTensors* tensors, ImportReport* report) {
  const std::size_t dropped =
      std::erase_if(*tensors, [](const auto& entry) { return is_hifigan_filter(entry.first); });
  if (dropped != 0) {
    report->unused.push_back(std::to_string(dropped) +
                             " filters of anti-aliased activations, which are computed");
  }
}

}  // namespace

bool looks_like_hifigan(const TensorSource& source) {
  return source.prefix_of(kProbe).has_value();
}

ImportedVoice import_hifigan(const ImportRequest& request, const TensorSource& source) {
  if (request.config_text.empty()) {
    throw Error(ErrorCode::bad_input,
                request.path +
                    ": a generator's config.json: expected it beside the file or by --config, "
                    "found none");
  }
  const std::string prefix = *source.prefix_of(kProbe);
  const HifiganConfig config = hifigan_config_from_json(
      parse_json(request.config_text, request.config_path), request.config_path);

  ImportedVoice voice;
  ImportReport& report = voice.report;
  report.format = family_of(config) + " generator, " + source.kind();
  FloatTensors tensors = source.read(prefix);
  report.folded = fold_weight_norm(&tensors, request.path);
  report.unused = source.left_out(prefix);
  auto wanted = hifigan_tensor_shapes(config);
  if (config.has_snake()) {
    // Their values are compared with the computed ones by the compiler.
    for (const auto& [tensor, value] : tensors) {
      if (is_hifigan_filter(tensor)) {
        wanted[tensor] = value.shape;
      }
    }
  }
  require_shapes(tensors, wanted, request.path);
  const auto check_bytes = write_safetensors({}, tensor_data(tensors));
  SafetensorsFile check = parse_safetensors(check_bytes, request.path);
  static_cast<void>(compile_hifigan(config, check, kMinSampleRateHz));
  drop_filters(&tensors, &report);

  const MelContract contract = contract_of(config, request.config_path, &report.assumed);
  voice.tensors = tensor_data(tensors);
  voice.description =
      imported_description(request, "hifigan", contract.sample_rate_hz, report.format);
  voice.description["config"] = hifigan_config_to_json(config);
  voice.description["features"] = mel_contract_to_json(contract);
  for (const auto& [key, value] : source.progress()) {
    voice.description["training"]["imported"][key] = value;
  }
  for (const std::string& key : config.ignored) {
    report.unused.push_back("config field " + quote(key) + ", which only training reads");
  }
  report.unknown.emplace_back("the recordings it was trained on");
  if (config.speakers > 1) {
    report.unknown.push_back(unknown_speaker_names(config.speakers));
  }
  return voice;
}

}  // namespace ondes
