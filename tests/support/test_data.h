// Where the large test data lies: $ONDES_TEST_DATA, or ../shared/data beside the source tree. Tests
// that need it say that they skip when it is absent.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace ondes {

inline std::optional<std::filesystem::path> test_data() {
  const char* variable = std::getenv("ONDES_TEST_DATA");
  const std::filesystem::path path =
      variable != nullptr ? std::filesystem::path(variable)
                          : std::filesystem::path(ONDES_SOURCE_DIR) / "../shared/data";
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return path;
  }
  return std::nullopt;
}

}  // namespace ondes
