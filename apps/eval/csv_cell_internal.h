// A cell of a CSV file: quoted where a comma, a quote or a line's end would split it (RFC 4180).
//
// Pure function: any thread.
#pragma once
#include <string>

namespace ondes {

inline std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  }
  return quoted + "\"";
}

}  // namespace ondes
