#include "apps/file_kind.h"

#include <array>
#include <fstream>
#include <string_view>

#include "engine/error.h"
#include "engine/weights/mel_file.h"
#include "engine/weights/safetensors.h"
#include "models/importers/import_voice.h"

namespace ondes {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

// A voice describes itself under `ondes` with an architecture; a mel with features alone.
FileKind safetensors_kind(const std::string& path) {
  const SafetensorsFile file = open_safetensors(path);
  const auto found = file.metadata.find("ondes");
  const bool voice =
      found == file.metadata.end() || found->second.find("\"architecture\"") != std::string::npos;
  return voice ? FileKind::voice : FileKind::mel;
}

}  // namespace

std::string file_kind_name(FileKind kind) {
  constexpr std::array<const char*, 4> kNames{"score", "mel", "audio", "voice"};
  return kNames.at(static_cast<std::size_t>(kind));
}

FileKind file_kind_of(const std::string& path) {
  if (path == "-") {
    return FileKind::score;
  }
  std::array<char, 12> head{};
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::io, path + ": cannot be opened");
  }
  file.read(head.data(), head.size());
  const std::string_view text(head.data(), static_cast<std::size_t>(file.gcount()));
  if (text.starts_with("MThd") || (text.starts_with("RIFF") && text.ends_with("RMID"))) {
    return FileKind::score;
  }
  if (text.starts_with(kNpyMagic) || path.ends_with(".npy")) {
    return FileKind::mel;
  }
  if (is_capture_path(path)) {
    return FileKind::voice;
  }
  // safetensors: eight bytes of length, then JSON.
  if (path.ends_with(".safetensors") || (text.size() > 8 && text[8] == '{')) {
    return safetensors_kind(path);
  }
  return path.ends_with(".mid") || path.ends_with(".midi") ? FileKind::score : FileKind::audio;
}

}  // namespace ondes
