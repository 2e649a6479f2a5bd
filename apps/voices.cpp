#include "apps/voices.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/file_kind.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
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
constexpr std::size_t kMaxSpeakerNameBytes = 200;

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

// The names are the description's `speakers`, which only voices with an embedding have.
void read_speakers(Voice* voice) {
  voice->speakers = speaker_count(voice->file);
  JsonFields fields(*voice->file.description, voice->path);
  if (fields.has("speakers")) {
    const auto count = static_cast<std::size_t>(voice->speakers);
    voice->speaker_names = fields.texts("speakers", {count, count}, kMaxSpeakerNameBytes);
    const std::set<std::string> distinct(voice->speaker_names.begin(), voice->speaker_names.end());
    if (distinct.size() != count) {
      fields.refuse("speakers", "names that differ", "one twice");
    }
  }
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
  if (voice.autoregressive) {
    return voice.mel.hop_samples;
  }
  const BlockRate& rate = voice.blocks.values[static_cast<std::size_t>(voice.blocks.output)].rate;
  return static_cast<double>(rate.up) / rate.down;
}

double macs_per_sample(const Voice& voice) {
  if (voice.autoregressive) {
    const double upsampling = voice.upsampling ? macs_per_frame(*voice.upsampling) : 0.0;
    return static_cast<double>(macs_per_sample(voice.plan)) + upsampling / samples_per_frame(voice);
  }
  return macs_per_frame(voice.blocks) / samples_per_frame(voice);
}

int latency_frames(const Voice& voice) {
  if (voice.autoregressive) {
    return voice.upsampling ? latency_frames(*voice.upsampling) : 0;
  }
  return latency_frames(voice.blocks);
}

Voice make_voice(VoiceFile file, const std::string& path) {
  Voice voice;
  voice.path = path;
  voice.file = std::move(file);
  const nlohmann::json& features = voice.file.description->at("features");
  if (voice.file.feature_kind == "mel") {
    voice.kind = VoiceKind::mel;
    voice.mel = mel_contract_from_json(features, voice.path);
    voice.mel_statistics_unknown = tells_of_unknown_mel_statistics(*voice.file.description);
    voice.autoregressive = !is_block_voice(voice.file);
    if (voice.autoregressive) {
      voice.plan = compile_step_plan(voice.file);
      voice.upsampling = compile_upsampling(voice.file);
    } else {
      voice.blocks = compile_block_plan(voice.file);
    }
  } else if (voice.file.feature_kind == "audio") {
    voice.kind = VoiceKind::audio;
    voice.blocks = compile_block_plan(voice.file);
  } else {
    voice.contract = note_contract_from_json(features, voice.path);
    voice.plan = compile_lane_plan(voice.file);
  }
  read_speakers(&voice);
  return voice;
}

int speaker_index(const Voice& voice, const std::string& speaker) {
  const auto& names = voice.speaker_names;
  const auto named = std::find(names.begin(), names.end(), speaker);
  if (named != names.end()) {
    return static_cast<int>(named - names.begin());
  }
  int index = -1;
  const char* end = speaker.data() + speaker.size();
  const auto [stop, error] = std::from_chars(speaker.data(), end, index);
  if (error == std::errc() && stop == end && index >= 0 && index < voice.speakers) {
    return index;
  }
  std::string expected = "0 to " + std::to_string(voice.speakers - 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    expected += (i == 0 ? " or one of " : ", ") + names[i];
  }
  throw Error(ErrorCode::usage, "--speaker: expected " +
                                    (voice.speakers == 0 ? "none: the voice " + voice.file.name +
                                                               " has no speakers to choose from"
                                                         : expected) +
                                    ", found " + quote(speaker));
}

Voice load_voice(const fs::path& path) {
  const std::string name = path.string();
  if (!is_capture_path(name) && file_kind_of(name) == FileKind::checkpoint) {
    throw Error(ErrorCode::bad_input,
                name +
                    ": expected a voice of Ondes, found weights of another project; import them "
                    "first: ondes import " +
                    name + " -o NAME.safetensors");
  }
  return make_voice(is_capture_path(name) ? open_capture(name) : open_voice(name), name);
}

}  // namespace ondes
