// A whole file mapped read-only.
//
// The bytes live as long as the object, on a page-aligned address. Another program that truncates
// the file meanwhile makes reads past its new end fail with SIGBUS, as every mapping does; writers
// of Ondes replace files by renaming (engine/files/atomic_file.h), which leaves a mapping whole.
//
// Set-up thread: constructor, destructor. Any thread: bytes().
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace ondes {

class MappedFile {
 public:
  // Throws Error{io} naming path and reason if it is missing, unreadable or not a regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return bytes_; }  // empty file: empty span

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace ondes
