// JSON for programs, on standard output.
#pragma once
#include <cstdio>
#include <nlohmann/json.hpp>

namespace ondes {

// Indented; bytes that are not UTF-8 (file names) are replaced.
inline void print_json(const nlohmann::json& object) {
  std::fputs((object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n").c_str(),
             stdout);
}

}  // namespace ondes
