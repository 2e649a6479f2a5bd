// A nameless temporary file of floats for work in two passes: gone when it is closed, whatever ends
// the program.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace ondes {

// A descriptor to read and write; below zero, with errno set, where there can be none.
int open_nameless_file(const std::filesystem::path& folder);

class ScratchFile {
 public:
  // In `folder`, so that its space is that of the output beside it. Throws Error{io} naming
  // `owner`, the output that it is for.
  ScratchFile(const std::filesystem::path& folder, const std::string& owner);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void append(std::span<const float> values);
  void rewind();
  // How many were left, at most values.size().
  std::size_t read(std::span<float> values);

 private:
  std::string owner_;  // for messages
  int descriptor_ = -1;
};

}  // namespace ondes
