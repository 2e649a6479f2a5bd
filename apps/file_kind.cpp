#include "apps/file_kind.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <span>

#include "engine/error.h"
#include "engine/weights/safetensors.h"
#include "models/importers/import_voice.h"
#include "models/importers/zip_archive.h"

namespace ondes {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr std::string_view kZipMagic = "PK\x03\x04";
constexpr std::string_view kLegacyTorchMagic = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46";

// WAV and its 64-bit kin, AIFF, FLAC, Ogg, CAF, AU, MP3 with a tag: what libsndfile reads and people
// have.
constexpr std::array<std::string_view, 10> kSoundMagics{"RIFF", "RIFX", "RF64", "riff", "FORM",
                                                        "fLaC", "OggS", "caff", ".snd", "ID3"};

// A voice describes itself under `ondes` with an architecture; a mel with features alone.
FileKind safetensors_kind(const std::string& path) {
  const SafetensorsFile file = open_safetensors(path);
  const auto found = file.metadata.find("ondes");
  if (found == file.metadata.end()) {
    return FileKind::checkpoint;
  }
  return found->second.find("\"architecture\"") != std::string::npos ? FileKind::voice
                                                                     : FileKind::mel;
}

bool has_safetensors_head(std::string_view head) {
  return head.size() > 8 && head[8] == '{';  // eight bytes of length, then JSON
}

// A zip's first entry has its name behind 30 bytes; NumPy's arrays have short ones.
constexpr std::size_t kNpzHeadBytes = 512;

void refuse_npz(const std::string& path, std::string_view head) {
  if (looks_like_npz(std::as_bytes(std::span(head)))) {
    throw Error(ErrorCode::bad_input,
                path +
                    ": a NumPy archive (.npz), which holds arrays by name; save the mel on its "
                    "own, with numpy.save (.npy)");
  }
}

}  // namespace

std::string file_kind_name(FileKind kind) {
  constexpr std::array<const char*, 5> kNames{"score", "mel", "audio", "voice", "checkpoint"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::string file_kind_text(FileKind kind) {
  return kind == FileKind::audio ? "sound" : file_kind_name(kind);
}

std::optional<FileKind> file_kind_of_head(std::string_view head) noexcept {
  const auto begins_with = [head](std::string_view magic) { return head.starts_with(magic); };
  if (begins_with("MThd") || (begins_with("RIFF") && head.substr(8) == "RMID")) {
    return FileKind::score;
  }
  if (begins_with(kNpyMagic)) {
    return FileKind::mel;
  }
  if (begins_with(kZipMagic) || begins_with(kLegacyTorchMagic)) {
    return FileKind::checkpoint;
  }
  if (std::any_of(kSoundMagics.begin(), kSoundMagics.end(), begins_with)) {
    return FileKind::audio;
  }
  return has_safetensors_head(head) ? std::optional(FileKind::mel) : std::nullopt;
}

FileKind file_kind_of(const std::string& path) {
  std::array<char, kNpzHeadBytes> bytes{};
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::io, path + ": cannot be opened");
  }
  file.read(bytes.data(), bytes.size());
  const std::string_view start(bytes.data(), static_cast<std::size_t>(file.gcount()));
  refuse_npz(path, start);
  const std::string_view head = start.substr(0, kFileHeadBytes);
  const std::optional<FileKind> kind = file_kind_of_head(head);
  if (kind == FileKind::mel && !head.starts_with(kNpyMagic)) {
    return safetensors_kind(path);
  }
  if (kind) {
    return *kind;
  }
  if (is_capture_path(path)) {
    return FileKind::voice;
  }
  if (path.ends_with(".safetensors")) {
    return safetensors_kind(path);
  }
  if (path.ends_with(".npy")) {
    return FileKind::mel;
  }
  if (path.ends_with(".pt") || path.ends_with(".pth")) {
    return FileKind::checkpoint;
  }
  return path.ends_with(".mid") || path.ends_with(".midi") ? FileKind::score : FileKind::audio;
}

}  // namespace ondes
