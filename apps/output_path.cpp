#include "apps/output_path.h"

#include "engine/error.h"

namespace ondes {
namespace fs = std::filesystem;

void refuse_existing(const std::string& output, bool replace) {
  if (output == "-" || replace) {
    return;
  }
  std::error_code ignored;
  if (fs::is_regular_file(output, ignored)) {
    throw Error(ErrorCode::io, output + ": exists already; --force replaces it");
  }
  if (fs::is_symlink(output, ignored) && !fs::exists(output, ignored)) {
    throw Error(ErrorCode::io,
                output + ": exists already, a link that leads nowhere; --force replaces it");
  }
}

void refuse_own_input(const std::string& input, const std::string& output) {
  std::error_code error;
  if (fs::is_regular_file(output, error) && fs::equivalent(input, output, error) && !error) {
    throw Error(ErrorCode::usage, output + ": is the input itself; choose another output");
  }
}

bool is_standard_output(const std::string& output) {
  return output == "-" || output == "/dev/stdout" || output == "/dev/fd/1" ||
         output == "/proc/self/fd/1";
}

void refuse_mixed_output(const std::string& output, bool json, const char* option) {
  if (json && is_standard_output(output)) {
    throw Error(ErrorCode::usage,
                std::string("--json and ") + option + " " + output + " both want standard output");
  }
}

bool is_special_output(const std::string& output) {
  std::error_code ignored;
  return output == "-" || (fs::exists(output, ignored) && !fs::is_regular_file(output, ignored) &&
                           !fs::is_directory(output, ignored));
}

fs::path scratch_folder(const std::string& output) {
  if (is_special_output(output)) {
    return fs::temp_directory_path();
  }
  const fs::path path(output);
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace ondes
