// A file that gets its name only when it is complete: temporary file beside the target, every write
// checked, fsync, rename. Standard output ("-"), pipes and devices are written straight through.
//
// The same promises as engine/files/atomic_file.h, written a second time on purpose: dsp/ does not
// know engine/files, and its one user is libsndfile, which wants a file that it can seek and read
// back through callbacks that may not throw. Whoever changes a promise changes both; the tests of
// both ask the same questions (tests/engine/test_atomic_file.cpp, tests/dsp/test_audio_file*.cpp).
//
// Errors inside write() stick and are thrown by check(), because libsndfile's callbacks stand in
// between and neither pass exceptions nor report what they are told. One thread at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ondes {

class PendingFile {
 public:
  // Throws Error{io} if the target cannot be written.
  explicit PendingFile(const std::string& path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  bool is_seekable() const noexcept { return !temporary_path_.empty(); }
  const std::string& temporary_path() const noexcept { return temporary_path_; }

  // At the current position. False once anything has failed.
  bool write(std::span<const std::byte> bytes) noexcept;
  std::size_t read(std::span<std::byte> bytes) noexcept;
  void seek(std::int64_t position) noexcept { position_ = position; }
  std::int64_t position() const noexcept { return position_; }
  std::int64_t size() const noexcept { return size_; }

  // Throws Error{io} with the reason if a write has failed.
  void check() const;
  // Syncs and renames. Throws Error{io}.
  void commit();

 private:
  void abandon() noexcept;

  std::string path_;
  std::string target_path_;     // where links lead
  std::string temporary_path_;  // "" when written straight through
  int descriptor_ = -1;
  int error_number_ = 0;
  std::int64_t position_ = 0;
  std::int64_t size_ = 0;
};

}  // namespace ondes
