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

// Path below the folder without extension -> the files that have it, sorted.
using Stems = std::map<std::string, std::vector<std::string>>;

// What is below one folder. Links are followed, so that `above` says where the walk came from: a
// link that leads back up would never end.
class Walk {
 public:
  Walk(std::string folder, bool (*is_wanted)(const fs::path&))
      : root_(std::move(folder)), is_wanted_(is_wanted) {}

  Stems run() {
    visit(root_);
    for (auto& [stem, paths] : stems_) {
      std::sort(paths.begin(), paths.end());
    }
    return std::move(stems_);
  }

 private:
  void visit(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (!error && std::find(above_.begin(), above_.end(), real) != above_.end()) {
      return;
    }
    above_.push_back(real);
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      std::error_code ignored;
      if (is_hidden(entry->path())) {
        continue;
      }
      if (entry->is_directory(ignored)) {
        visit(entry->path());
      } else if (entry->is_regular_file(ignored) && is_wanted_(entry->path())) {
        const fs::path below = entry->path().lexically_relative(root_);
        stems_[fs::path(below).replace_extension().generic_string()].push_back(
            entry->path().string());
      }
    }
    if (error) {
      throw Error(ErrorCode::io, fmt::format("{}: {}", folder.string(), error.message()));
    }
    above_.pop_back();
  }

  std::string root_;
  bool (*is_wanted_)(const fs::path&);
  std::vector<fs::path> above_;
  Stems stems_;
};

Stems stems_of(const std::string& folder, bool (*is_wanted)(const fs::path&)) {
  return Walk(folder, is_wanted).run();
}

bool is_score_path(const fs::path& path) {
  return is_score(path.string());
}

// "" unless two files of one folder have the stem: which is meant, nobody can know.
std::string why_refused(const std::vector<std::string>& references,
                        const std::vector<std::string>& generated) {
  const std::vector<std::string>& several = references.size() > 1 ? references : generated;
  return several.size() > 1 ? fmt::format("expected one file of this stem, found {} and {}",
                                          several[0], several[1])
                            : "";
}

std::string some_stems(const Stems& stems) {
  if (stems.empty()) {
    return "no sounds";
  }
  std::string text = fmt::format("{} sound{} (", stems.size(), stems.size() == 1 ? "" : "s");
  std::size_t count = 0;
  for (const auto& [stem, paths] : stems) {
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
    references = stems_of(reference, is_score_path);
  }
  const Stems others = stems_of(generated, is_sound);
  Pairing pairing;
  for (const auto& [stem, paths] : references) {
    if (const auto other = others.find(stem); other != others.end()) {
      pairing.pairs.push_back(
          {stem, paths.front(), other->second.front(), why_refused(paths, other->second)});
    } else {
      pairing.only_in_reference.push_back(stem);
    }
  }
  for (const auto& [stem, paths] : others) {
    if (!references.contains(stem)) {
      pairing.only_in_generated.push_back(stem);
    }
  }
  if (pairing.pairs.empty()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("no pairs: {} has {}, {} has {}; pairs have the same path below their "
                            "folders up to the extension (or name them in --manifest){}",
                            reference, some_stems(references), generated, some_stems(others),
                            others.empty() && !stems_of(generated, is_score_path).empty()
                                ? "; scores come first, their renders second"
                                : ""));
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
  for (const auto& [stem, paths] : stems_of(path, is_sound)) {
    sounds.insert(sounds.end(), paths.begin(), paths.end());
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
  if (is_score(generated)) {
    throw Error(
        ErrorCode::usage,
        is_score(reference)
            ? fmt::format("expected a render of {}, found the score {}", reference, generated)
            : fmt::format("expected a score and then its render, found them the other way "
                          "round; run: ondes eval {} {}",
                          generated, reference));
  }
  Pairing pairing;
  pairing.pairs.push_back({fs::path(generated).stem().string(), reference, generated});
  return pairing;
}

}  // namespace ondes
