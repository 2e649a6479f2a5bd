// Whole files that appear under their final name only when complete: temporary file beside the
// target, checked writes, fsync, rename.
//
// A target that is a device or a pipe (/dev/stdout, /dev/full, a FIFO) has no final name to protect
// and must not be replaced: it is written directly. A symbolic link is followed. A new file gets
// the mode the umask gives, a replaced one keeps its mode; one the user may not write is refused.
// A size limit (RLIMIT_FSIZE) is reported as Error only where the program ignores SIGXFSZ, as a
// closed pipe is only where it ignores SIGPIPE; apps/ does both.
//
// dsp/pending_file_internal.h promises the same for sound files, and says why it exists.
//
// Set-up thread. Everything throws Error{io} naming path and reason.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ondes {

// Throws Error{io} naming path and reason; then nothing is left behind and an existing target is
// untouched.
void write_file_atomically(const std::string& path, std::span<const std::byte> bytes);

// The same for a file written piece by piece. Without commit() the target stays as it was and the
// temporary file is removed.
class AtomicFileWriter {
 public:
  explicit AtomicFileWriter(const std::string& path);
  ~AtomicFileWriter();
  AtomicFileWriter(const AtomicFileWriter&) = delete;
  AtomicFileWriter& operator=(const AtomicFileWriter&) = delete;

  // Appends all of `bytes` at the descriptor's position.
  void write(std::span<const std::byte> bytes);
  // Overwrites bytes already written (a length field in a header); does not move the position.
  void write_at(std::int64_t offset_bytes, std::span<const std::byte> bytes);
  // fsync, close, rename. At most once; nothing may be written afterwards.
  void commit();

  // For libraries that write by themselves (sf_open_fd): the caller must not close it.
  int descriptor() const noexcept { return descriptor_; }
  // False where the target is a device or a pipe and is written directly.
  bool has_temporary() const noexcept { return !temporary_path_.empty(); }
  const std::string& path() const noexcept { return path_; }

 private:
  void abandon() noexcept;

  std::string path_;            // as asked for, for messages
  std::string target_path_;     // links resolved
  std::string temporary_path_;  // empty where there is none (any more)
  int descriptor_ = -1;
};

}  // namespace ondes
