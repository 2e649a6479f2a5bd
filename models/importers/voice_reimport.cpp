#include "models/importers/voice_reimport.h"

namespace ondes {
namespace {

constexpr std::size_t kHeaderStart = 8;  // after the header's length

}  // namespace

bool describes_itself(std::span<const std::byte> bytes, const std::string& name) {
  return bytes.size() > kHeaderStart && bytes[kHeaderStart] == std::byte{'{'} &&
         parse_safetensors(bytes, name).metadata.contains("ondes");
}

ImportedVoice reimport_voice(const ImportRequest& request) {
  const VoiceFile file = parse_voice(request.bytes, request.path);
  ImportedVoice voice;
  voice.description = *file.description;
  if (!request.name.empty()) {
    voice.description["name"] = request.name;
  }
  if (!request.licence.empty()) {
    voice.description["licence"] = request.licence;
  }
  for (const auto& [name, view] : file.weights.tensors) {
    voice.tensors[name] = {view.type, view.shape, {view.bytes.begin(), view.bytes.end()}};
  }
  voice.report.format = "Ondes voice";
  return voice;
}

}  // namespace ondes
