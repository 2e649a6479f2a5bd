#include "apps/eval/pairing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <string_view>

#include "engine/error.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

// What libsndfile reads and people keep sounds in; .raw has no header to read.
constexpr std::array<std::string_view, 15> kExtensions{".wav",  ".wave", ".flac", ".ogg",  ".oga",
                                                       ".opus", ".mp3",  ".aif",  ".aiff", ".aifc",
                                                       ".au",   ".snd",  ".caf",  ".w64",  ".rf64"};
constexpr std::size_t kStemsInMessages = 3;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_sound(const fs::path& path) {
  const std::string extension = lower_extension(path);
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

using Stems =
    std::map<std::string, std::string>;  // path below the folder without extension -> path

Stems stems_of(const std::string& folder, bool (*is_wanted)(const fs::path&)) {
  Stems stems;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || !is_wanted(entry->path())) {
      continue;
    }
    const std::string stem =
        entry->path().lexically_relative(folder).replace_extension().generic_string();
    const auto [known, is_new] = stems.emplace(stem, entry->path().string());
    if (!is_new) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: expected one sound of each stem, found {} and {}", folder,
                              std::min(known->second, entry->path().string()),
                              std::max(known->second, entry->path().string())));
    }
  }
  if (error) {
    throw Error(ErrorCode::io, fmt::format("{}: {}", folder, error.message()));
  }
  return stems;
}

std::string some_stems(const Stems& stems) {
  if (stems.empty()) {
    return "no sounds";
  }
  std::string text = fmt::format("{} sound{} (", stems.size(), stems.size() == 1 ? "" : "s");
  std::size_t count = 0;
  for (const auto& [stem, path] : stems) {
    if (count == kStemsInMessages) {
      text += ", ...";
      break;
    }
    text += (count++ == 0 ? "" : ", ") + stem;
  }
  return text + ")";
}

Pairing pair_folders(const std::string& reference, const std::string& generated) {
  Stems references = stems_of(reference, is_sound);
  if (references.empty()) {
    references = stems_of(reference, [](const fs::path& path) { return is_score(path.string()); });
  }
  const Stems others = stems_of(generated, is_sound);
  Pairing pairing;
  for (const auto& [stem, path] : references) {
    if (const auto other = others.find(stem); other != others.end()) {
      pairing.pairs.push_back({stem, path, other->second});
    } else {
      pairing.only_in_reference.push_back(stem);
    }
  }
  for (const auto& [stem, path] : others) {
    if (!references.contains(stem)) {
      pairing.only_in_generated.push_back(stem);
    }
  }
  if (pairing.pairs.empty()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("no pairs: {} has {}, {} has {}; pairs have the same path below their "
                            "folders up to the extension (or name them in --manifest)",
                            reference, some_stems(references), generated, some_stems(others)));
  }
  return pairing;
}

bool is_folder(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw Error(ErrorCode::io, path + ": No such file or directory");
  }
  return fs::is_directory(status);
}

}  // namespace

std::vector<std::string> sounds_at(const std::string& path) {
  if (!is_folder(path)) {
    return {path};
  }
  std::vector<std::string> sounds;
  for (const auto& [stem, sound] : stems_of(path, is_sound)) {
    sounds.push_back(sound);
  }
  if (sounds.empty()) {
    throw Error(ErrorCode::bad_input, path + ": expected sounds, found none");
  }
  return sounds;
}

bool is_score(const std::string& path) {
  const std::string extension = lower_extension(path);
  return extension == ".mid" || extension == ".midi";
}

Pairing pair_sounds(const std::string& reference, const std::string& generated) {
  const bool folders = is_folder(reference);
  if (folders != is_folder(generated)) {
    throw Error(ErrorCode::usage, fmt::format("expected two files or two folders, found {} and {}",
                                              folders ? "the folder " + reference : reference,
                                              folders ? generated : "the folder " + generated));
  }
  if (folders) {
    return pair_folders(reference, generated);
  }
  Pairing pairing;
  pairing.pairs.push_back({fs::path(generated).stem().string(), reference, generated});
  return pairing;
}

}  // namespace ondes
