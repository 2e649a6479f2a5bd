#include "apps/play/play_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <utility>

#include "engine/error.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr std::array<const char*, 12> kPlayable = {".mid",         ".midi", ".smf",  ".npy",
                                                   ".safetensors", ".wav",  ".flac", ".ogg",
                                                   ".mp3",         ".aif",  ".aiff", ".opus"};

bool playable(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kPlayable.begin(), kPlayable.end(), extension) != kPlayable.end();
}

}  // namespace

std::vector<PlayItem> play_list(const std::vector<std::string>& inputs) {
  std::vector<PlayItem> list;
  for (const std::string& input : inputs) {
    std::error_code error;
    if (!fs::is_directory(input, error)) {
      if (input != "-" && !fs::exists(input, error)) {
        throw Error(ErrorCode::io, input + ": no such file");
      }
      list.push_back({input, false});
      continue;
    }
    std::vector<std::string> found;
    // Links in a circle, and what goes while the folder is read, are no files.
    for (fs::directory_iterator entry(input, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_regular_file(ignored) && playable(entry->path())) {
        found.push_back(entry->path().string());
      }
    }
    if (error) {
      throw Error(ErrorCode::io, input + ": " + error.message());
    }
    if (found.empty()) {
      throw Error(ErrorCode::bad_input, input + ": a folder without scores, mels or sounds");
    }
    std::sort(found.begin(), found.end());
    for (std::string& path : found) {
      list.push_back({std::move(path), true});
    }
  }
  return list;
}

}  // namespace ondes
