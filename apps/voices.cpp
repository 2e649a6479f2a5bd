#include "apps/voices.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"
#include "engine/files/mapped_file.h"
#include "engine/files/sha256.h"
#include "engine/weights/mel_contract_json.h"
#include "models/importers/import_voice.h"
#include "models/registry.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExtension = ".safetensors";
constexpr const char* kVariable = "ONDES_VOICES";

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

std::string known_voices() {
  std::string names;
  for (const fs::path& path : find_voices()) {
    names += (names.empty() ? "" : ", ") + path.stem().string();
  }
  if (!names.empty()) {
    return "there are: " + names;
  }
  std::string folders;
  for (const fs::path& folder : voice_folders()) {
    folders += (folders.empty() ? "" : ", ") + folder.string();
  }
  return "there is none in " + folders;
}

// A capture as a voice in memory; its hash is the file's, so that recipes name what lies on disk.
VoiceFile open_capture(const std::string& path) {
  const MappedFile file(path);
  ImportRequest request;
  request.bytes = file.bytes();
  request.path = path;
  VoiceFile voice = imported_voice_file(request);
  voice.sha256 = sha256_hex(file.bytes());
  return voice;
}

// $ONDES_VOICES is what somebody wants: that it leads nowhere is said, once.
void warn_of_variable() {
  static bool done = false;
  const char* folder = std::getenv(kVariable);
  std::error_code ignored;
  if (!done && folder != nullptr && *folder != '\0' && !fs::is_directory(folder, ignored)) {
    std::fputs(("ondes: " + std::string(kVariable) + ": expected a folder, found " +
                (fs::exists(folder, ignored) ? "something else at " : "nothing at ") + folder +
                "; voices are looked for elsewhere\n")
                   .c_str(),
               stderr);
  }
  done = true;
}

}  // namespace

fs::path program_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(".") : program.parent_path();
}

std::vector<fs::path> voice_folders() {
  std::vector<fs::path> folders;
  const char* variable = std::getenv(kVariable);
  if (variable != nullptr && *variable != '\0') {
    folders.emplace_back(variable);
  }
  const fs::path program = program_folder();
  folders.push_back(fs::path("samples") / "voices");
  folders.push_back((program / "../share/ondes/voices").lexically_normal());
  folders.push_back((program / "../../../samples/voices").lexically_normal());
  return folders;
}

std::vector<fs::path> find_voices() {
  warn_of_variable();
  std::vector<fs::path> voices;
  std::set<std::string> names;
  for (const fs::path& folder : voice_folders()) {
    std::vector<fs::path> here;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() == kExtension && is_file(entry->path())) {
        here.push_back(entry->path());
      }
    }
    std::sort(here.begin(), here.end());
    for (const fs::path& path : here) {
      if (names.insert(path.stem().string()).second) {
        voices.push_back(path);
      }
    }
  }
  return voices;
}

fs::path locate_voice(const std::string& name) {
  const std::vector<fs::path> voices = find_voices();
  const std::string wanted = name.empty() ? kDefaultVoice : name;
  for (const fs::path& path : voices) {
    if (path.stem() == wanted) {
      return path;
    }
  }
  if (name.empty()) {
    if (voices.size() == 1) {
      return voices.front();
    }
    throw Error(ErrorCode::bad_input, "no default voice: expected one named '" +
                                          std::string(kDefaultVoice) + "' or a single one, " +
                                          known_voices() + "; choose with --voice NAME|FILE");
  }
  if (is_file(name)) {
    return name;
  }
  if (name.find('/') != std::string::npos || fs::path(name).extension() == kExtension) {
    throw Error(ErrorCode::io, name + ": no such voice file");
  }
  throw Error(ErrorCode::bad_input, "no voice named '" + name + "': " + known_voices());
}

double samples_per_frame(const Voice& voice) {
  const BlockRate& rate = voice.blocks.values[static_cast<std::size_t>(voice.blocks.output)].rate;
  return static_cast<double>(rate.up) / rate.down;
}

double macs_per_sample(const Voice& voice) {
  return macs_per_frame(voice.blocks) / samples_per_frame(voice);
}

Voice load_voice(const fs::path& path) {
  Voice voice;
  voice.path = path.string();
  voice.file = is_capture_path(voice.path) ? open_capture(voice.path) : open_voice(voice.path);
  const nlohmann::json& features = voice.file.description->at("features");
  if (voice.file.feature_kind == "mel") {
    voice.kind = VoiceKind::mel;
    voice.mel = mel_contract_from_json(features, voice.path);
    voice.blocks = compile_block_plan(voice.file);
  } else if (voice.file.feature_kind == "audio") {
    voice.kind = VoiceKind::audio;
    voice.blocks = compile_block_plan(voice.file);
  } else {
    voice.contract = note_contract_from_json(features, voice.path);
    voice.plan = compile_lane_plan(voice.file);
  }
  return voice;
}

}  // namespace ondes
