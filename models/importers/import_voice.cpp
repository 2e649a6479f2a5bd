#include "models/importers/import_voice.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/files/sha256.h"
#include "models/importers/hifigan_import.h"
#include "models/importers/nam_import.h"
#include "models/importers/tensor_source.h"
#include "models/importers/voice_reimport.h"
#include "models/importers/wavenet_import.h"

namespace ondes {
namespace {

constexpr std::size_t kMaxNameBytes = 200;                // of a voice
constexpr const char* kMelStatistics = "mel_statistics";  // a key of the description
constexpr const char* kUnknown = "unknown";

ImportedVoice import_any(const ImportRequest& request) {
  if (looks_like_nam(request.bytes)) {
    return import_nam(request);
  }
  if (describes_itself(request.bytes, request.path)) {
    return reimport_voice(request);
  }
  if (TensorSource::recognises(request.bytes)) {
    const TensorSource source = TensorSource::open(request.bytes, request.path);
    if (looks_like_hifigan(source)) {
      return import_hifigan(request, source);
    }
    if (looks_like_wavenet(source)) {
      return import_wavenet(request, source);
    }
    throw Error(ErrorCode::bad_input,
                request.path +
                    ": expected a generator of HiFi-GAN's family (conv_pre) or a WaveNet "
                    "(first_conv, cond_layers), found " +
                    std::to_string(source.tensor_names().size()) + " tensors of something else" +
                    (source.tensor_names().empty()
                         ? std::string()
                         : ", the first " + quote(source.tensor_names().front())));
  }
  throw Error(ErrorCode::bad_input,
              request.path +
                  ": expected a PyTorch checkpoint (zip format), safetensors or a .nam capture, "
                  "found none of them");
}

}  // namespace

ImportedVoice import_voice(const ImportRequest& request) {
  ImportedVoice voice = import_any(request);
  voice.report.tensors_used = voice.tensors.size();
  for (const auto& [tensor, data] : voice.tensors) {
    voice.report.parameters += data.bytes.size() / sizeof(float);
  }
  if (!voice.description.contains("licence")) {
    voice.report.unknown.emplace_back("the licence (say it with --licence)");
  }
  return voice;
}

VoiceFile imported_voice_file(const ImportRequest& request) {
  const ImportedVoice voice = import_voice(request);
  const auto bytes =
      std::make_shared<const std::vector<std::byte>>(write_voice(voice.description, voice.tensors));
  VoiceFile file = parse_voice(*bytes, request.path);
  file.weights.storage = bytes;
  return file;
}

void tell_of_unknown_mel_statistics(nlohmann::json* description) {
  (*description)[kMelStatistics] = kUnknown;
}

bool tells_of_unknown_mel_statistics(const nlohmann::json& description) {
  const auto found = description.find(kMelStatistics);
  return found != description.end() && *found == kUnknown;
}

bool is_capture_path(const std::string& path) {
  return std::filesystem::path(path).extension() == ".nam";
}

std::string unknown_speaker_names(int speakers) {
  return "the names of its " + std::to_string(speakers) + " speakers";
}

nlohmann::json imported_description(const ImportRequest& request,
                                    const std::string& architecture,
                                    int sample_rate_hz,
                                    const std::string& format) {
  const std::filesystem::path path(request.path);
  std::string name = request.name.empty() ? path.stem().string() : request.name;
  name.resize(std::min(name.size(), kMaxNameBytes));
  nlohmann::json description = {{"schema", kVoiceSchema},
                                {"name", name.empty() ? std::string("imported") : name},
                                {"architecture", architecture},
                                {"sample_rate", sample_rate_hz},
                                {"training",
                                 {{"imported",
                                   {{"format", format},
                                    {"file", path.filename().string()},
                                    {"sha256", sha256_hex(request.bytes)}}}}}};
  if (!request.licence.empty()) {
    description["licence"] = request.licence;
  }
  return description;
}

}  // namespace ondes
