#include "tests/house/include_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace ondes::house {
namespace {

struct Include {
  std::string target;
  bool quoted = false;
};

const std::map<std::string, std::set<std::string>>& arrows() {
  static const std::map<std::string, std::set<std::string>> table = {
      {"apps", {"apps", "cuda", "dsp", "engine", "models"}},
      {"cuda", {"cuda", "engine"}},
      {"dsp", {"dsp"}},
      {"engine", {"engine"}},
      {"models", {"dsp", "engine", "models"}},
      {"tests", {"apps", "cuda", "dsp", "engine", "models", "tests"}},
  };
  return table;
}

constexpr std::array<std::string_view, 3> kVocabulary = {"engine/error.h", "engine/realtime.h",
                                                         "engine/views.h"};

bool is_vocabulary(const std::string& path) {
  return std::find(kVocabulary.begin(), kVocabulary.end(), path) != kVocabulary.end();
}

// A library that only some places may know.
bool starts_with_any(const std::string& text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

bool may_use_torch(const std::string& path) {
  const std::string name = name_of(path);
  const std::string top = top_folder_of(path);
  const bool named = name.find("_torch.") != std::string::npos &&
                     (top == "models" || top == "apps" || top == "tests");
  return named || path.starts_with("models/training/");
}

std::optional<Include> parse_include(std::string line) {
  const auto skip_blanks = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
  };
  std::string_view rest = skip_blanks(line);
  if (!rest.starts_with('#')) {
    return std::nullopt;
  }
  rest = skip_blanks(rest.substr(1));
  if (!rest.starts_with("include")) {
    return std::nullopt;
  }
  rest = skip_blanks(rest.substr(std::string_view("include").size()));
  if (rest.empty() || (rest.front() != '"' && rest.front() != '<')) {
    return std::nullopt;  // a macro, as Highway's foreach_target has
  }
  const char end = rest.front() == '"' ? '"' : '>';
  return Include{std::string(rest.substr(1, rest.find(end, 1) - 1)), end == '"'};
}

// What is wrong with an include of one of our own headers; empty if nothing.
std::string judge_own(const std::string& path,
                      const std::string& target,
                      const std::set<std::string>& known) {
  if (!known.contains(target)) {
    return "\"" + target + "\" is not a file's path from the root of the project";
  }
  const std::string from = top_folder_of(path);
  const std::string to = top_folder_of(target);
  const auto row = arrows().find(from);
  if (row == arrows().end()) {
    return "code outside the folders that hold code";
  }
  if (!row->second.contains(to) && !(from == "dsp" && is_vocabulary(target))) {
    return from + "/ may not include " + to + "/ (\"" + target + "\")";
  }
  const bool at_home =
      folder_of(target) == folder_of(path) || path.starts_with("tests/" + to + "/");
  if (name_of(target).ends_with("_internal.h") && !at_home) {
    return "\"" + target + "\" is internal to " + folder_of(target) + "/";
  }
  if (is_vocabulary(path)) {
    return "a vocabulary header that dsp/ may include has to stand on std alone";
  }
  return "";
}

// The same for a header of a library or of the system.
std::string judge_library(const std::string& path,
                          const std::string& target,
                          const std::set<std::string>& known) {
  const std::string top = top_folder_of(path);
  if (known.contains(target)) {
    return "<" + target + "> is ours: include it in quotes";
  }
  if (starts_with_any(target, {"torch/", "ATen/", "c10/", "caffe2/"}) && !may_use_torch(path)) {
    return "LibTorch (<" + target + ">) belongs in files *_torch.* and in models/training/";
  }
  if (target.starts_with("catch2/") && top != "tests") {
    return "Catch2 belongs in tests/";
  }
  if (target.starts_with("CLI/") && top != "apps") {
    return "CLI11 belongs in apps/";
  }
  if (starts_with_any(target, {"cuda", "cublas", "cub/", "nvrtc", "nvml"}) && top != "cuda") {
    return "the CUDA toolkit (<" + target + ">) belongs in cuda/";
  }
  if (is_vocabulary(path) && target.find_first_of("/.") != std::string::npos) {
    return "a vocabulary header that dsp/ may include has to stand on std alone";
  }
  return "";
}

}  // namespace

std::vector<std::string> include_violations(const std::vector<SourceFile>& files) {
  std::set<std::string> known;
  for (const SourceFile& file : files) {
    known.insert(file.path);
  }
  std::vector<std::string> findings;
  for (const SourceFile& file : files) {
    if (!is_code(file.path)) {
      continue;
    }
    if (!arrows().contains(top_folder_of(file.path))) {
      findings.push_back(file.path + ": code outside the folders that hold code");
      continue;
    }
    std::istringstream lines(file.text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      const std::optional<Include> include = parse_include(line);
      if (!include) {
        continue;
      }
      const std::string complaint = include->quoted
                                        ? judge_own(file.path, include->target, known)
                                        : judge_library(file.path, include->target, known);
      if (!complaint.empty()) {
        findings.push_back(file.path + ":" + std::to_string(number) + ": " + complaint);
      }
    }
  }
  return findings;
}

}  // namespace ondes::house
