#include "tests/house/tree_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>

namespace ondes::house {
namespace {

// A source named in a CMake command.
struct Registration {
  std::string command;
  std::string listed_in;
};

std::string without_comments(const std::string& cmake) {
  static const std::regex comment("#[^\n]*");
  return std::regex_replace(cmake, comment, "");
}

bool is_source(const std::string& path) {
  return path.ends_with(".cpp") || path.ends_with(".cu");
}

std::string from_root(const std::string& folder, std::string token) {
  for (const std::string_view variable : {"${CMAKE_SOURCE_DIR}/", "${PROJECT_SOURCE_DIR}/"}) {
    if (token.starts_with(variable)) {
      return token.substr(variable.size());
    }
  }
  constexpr std::string_view kHere = "${CMAKE_CURRENT_SOURCE_DIR}/";
  if (token.starts_with(kHere)) {
    token = token.substr(kHere.size());
  }
  return (std::filesystem::path(folder) / token).lexically_normal().generic_string();
}

void collect(const SourceFile& cmake, std::multimap<std::string, Registration>& found) {
  static const std::regex command(R"((\w+)\s*\(([^()]*)\))");
  const std::string text = without_comments(cmake.text);
  for (std::sregex_iterator match(text.begin(), text.end(), command), end; match != end; ++match) {
    std::istringstream arguments((*match)[2].str());
    for (std::string token; arguments >> token;) {
      token.erase(std::remove(token.begin(), token.end(), '"'), token.end());
      const std::string path = from_root(folder_of(cmake.path), token);
      if (is_source(path) && path.find('$') == std::string::npos) {
        found.emplace(path, Registration{(*match)[1].str(), cmake.path});
      }
    }
  }
}

// The word that the command registering a file of this name has to contain; empty if any will do.
std::string needed_command(const std::string& path) {
  const std::string name = name_of(path);
  if (name.starts_with("test_") && path != "tests/test_main.cpp") {
    return "test";
  }
  return name.starts_with("fuzz_") ? "fuzz" : "";
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

}  // namespace

std::vector<std::string> registration_findings(const std::vector<SourceFile>& files) {
  std::multimap<std::string, Registration> registered;
  std::set<std::string> on_disk;
  for (const SourceFile& file : files) {
    if (name_of(file.path) == "CMakeLists.txt") {
      collect(file, registered);
    } else if (is_source(file.path)) {
      on_disk.insert(file.path);
    }
  }
  std::vector<std::string> findings;
  for (const std::string& path : on_disk) {
    const auto [first, last] = registered.equal_range(path);
    const std::string needed = needed_command(path);
    const bool stands = std::any_of(first, last, [&](const auto& entry) {
      return needed.empty() || (entry.second.command.starts_with("ondes_") &&
                                entry.second.command.find(needed) != std::string::npos);
    });
    if (first == last) {
      findings.push_back(path + ": no CMakeLists.txt names it");
    } else if (!stands) {
      findings.push_back(path + ": named in " + first->second.listed_in + ", but in " +
                         first->second.command + "(), which does not register a " + needed);
    }
  }
  for (const auto& [path, registration] : registered) {
    if (!on_disk.contains(path)) {
      findings.push_back(registration.listed_in + ": names " + path + ", which does not exist");
    }
  }
  return findings;
}

std::vector<std::string> readme_findings(const std::vector<SourceFile>& files) {
  std::set<std::string> folders;
  std::set<std::string> with_readme;
  for (const SourceFile& file : files) {
    if (name_of(file.path) == "README.md") {
      with_readme.insert(folder_of(file.path));
    }
    if (("/" + file.path).find("/corpus/") != std::string::npos) {
      continue;
    }
    for (std::string folder = folder_of(file.path); !folder.empty(); folder = folder_of(folder)) {
      folders.insert(folder);
    }
    folders.insert("");  // the root
  }
  std::vector<std::string> findings;
  for (const std::string& folder : folders) {
    if (!with_readme.contains(folder)) {
      findings.push_back((folder.empty() ? "the root" : folder + "/") + " has no README.md");
    }
  }
  return findings;
}

std::vector<std::string> machine_path_findings(const std::vector<SourceFile>& files) {
  // Spelled in two parts, or this file would find itself.
  static const std::array<std::string, 4> places = {
      "/wo" + std::string("rk/"), "/ho" + std::string("me/"), "/ro" + std::string("ot/"),
      "/Use" + std::string("rs/")};
  std::vector<std::string> findings;
  for (const SourceFile& file : files) {
    for (const std::string& place : places) {
      for (std::size_t at = file.text.find(place); at != std::string::npos;
           at = file.text.find(place, at + 1)) {
        if (at == 0 || !is_word(file.text[at - 1])) {
          const auto line =
              1 + std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(at),
                             '\n');
          findings.push_back(file.path + ":" + std::to_string(line) + ": names " + place);
          break;
        }
      }
    }
  }
  return findings;
}

std::vector<std::string> sample_findings(const std::vector<SourceFile>& files,
                                         const SampleLimits& limits) {
  std::vector<std::string> findings;
  std::size_t total_bytes = 0;
  std::set<std::string> folders;
  std::set<std::string> licensed;
  for (const SourceFile& file : files) {
    if (top_folder_of(file.path) != "samples") {
      continue;
    }
    total_bytes += file.text.size();
    if (file.text.size() >= limits.file_bytes) {
      findings.push_back(file.path + ": " + std::to_string(file.text.size()) +
                         " bytes, the limit is " + std::to_string(limits.file_bytes));
    }
    if (name_of(file.path) != "README.md") {
      folders.insert(folder_of(file.path));
    } else if (file.text.find("icence") != std::string::npos) {
      licensed.insert(folder_of(file.path));
    }
  }
  if (total_bytes >= limits.total_bytes) {
    findings.push_back("samples/: " + std::to_string(total_bytes) + " bytes, the limit is " +
                       std::to_string(limits.total_bytes));
  }
  for (const std::string& folder : folders) {
    if (!licensed.contains(folder)) {
      findings.push_back(folder + "/README.md does not name a licence");
    }
  }
  return findings;
}

}  // namespace ondes::house
