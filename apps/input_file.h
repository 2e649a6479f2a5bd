// An input as the user names it: a file, or "-" for what comes through standard input.
//
// What comes through a pipe is kept in a nameless file on disk, so that every reader finds a file,
// whatever it is: a score, a mel, a sound, a voice. Its first bytes are judged before the rest is
// read. A score may have kMaxMidiFileBytes, anything else kMaxStandardInputBytes.
//
// Set-up thread.
#pragma once
#include <cstdint>
#include <string>

#include "engine/error.h"

namespace ondes {

inline constexpr std::int64_t kMaxStandardInputBytes = std::int64_t{4} << 30U;  // a WAV file's most

class InputFile {
 public:
  // Throws Error{io} for a folder, a device, a pipe with a name, and where standard input or the
  // nameless file fails, Error{bad_input} where it is
  // too long or begins like no file that a command takes.
  explicit InputFile(std::string given);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const noexcept { return path_; }    // to be opened
  const std::string& given() const noexcept { return given_; }  // by the user

  // The error that a reader of path() threw, with the name that the user knows in it.
  Error named(const Error& error) const;

 private:
  std::string given_;
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace ondes
