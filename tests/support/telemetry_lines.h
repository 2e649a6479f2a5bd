// The lines that `ondes play` and `ondes live` print with --json.
#pragma once
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace ondes {

// Of a program that still runs: those that are whole.
inline std::vector<nlohmann::json> telemetry_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line) && line.ends_with("}");) {
    lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

// Of a program that has ended: every line must be JSON.
inline nlohmann::json last_line(const std::string& text) {
  std::istringstream stream(text);
  nlohmann::json last;
  for (std::string line; std::getline(stream, line);) {
    last = nlohmann::json::parse(line);
  }
  return last;
}

}  // namespace ondes
