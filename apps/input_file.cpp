#include "apps/input_file.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/file_kind.h"
#include "apps/interrupt.h"
#include "apps/scratch_file.h"
#include "engine/files/json_fields.h"
#include "engine/score/midi_file.h"

namespace ondes {
namespace {

constexpr std::size_t kBlockBytes = 65536;
constexpr int kAskEveryMs = 50;  // whether to go on
constexpr const char* kName = "standard input";

// Fills the block; fewer bytes only at the end.
std::size_t read_block(std::span<std::byte> block) {
  std::size_t size = 0;
  while (size < block.size()) {
    check_interrupted();
    pollfd waiting{STDIN_FILENO, POLLIN, 0};  // a signal may come to another thread than this one
    const int ready = ::poll(&waiting, 1, kAskEveryMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
      continue;
    }
    const ssize_t got = ::read(STDIN_FILENO, block.data() + size, block.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      throw Error(ErrorCode::io, std::string(kName) + ": " + std::strerror(errno));
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
  }
  return size;
}

void write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      throw Error(ErrorCode::io, std::string(kName) + ": cannot be kept in a temporary file: " +
                                     std::strerror(errno));
    }
    bytes = bytes.subspan(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
}

// How much of this kind may come.
std::int64_t limit_of(std::span<const std::byte> begin) {
  const std::string_view head(reinterpret_cast<const char*>(begin.data()),
                              std::min(begin.size(), kFileHeadBytes));
  const std::optional<FileKind> kind = file_kind_of_head(head);
  if (!kind) {
    throw Error(ErrorCode::bad_input,
                std::string(kName) +
                    ": expected a score (MIDI), a mel (.npy, .safetensors) or a sound (WAV, FLAC, "
                    "AIFF, Ogg...), found " +
                    (head.empty() ? "nothing" : "something that begins with " + quote(head)));
  }
  return *kind == FileKind::score ? static_cast<std::int64_t>(kMaxMidiFileBytes)
                                  : kMaxStandardInputBytes;
}

void keep_standard_input(int descriptor) {
  std::vector<std::byte> block(kBlockBytes);
  std::size_t got = read_block(block);
  const std::int64_t limit = limit_of(std::span(block).first(got));
  std::int64_t size = 0;
  while (got != 0) {
    size += static_cast<std::int64_t>(got);
    if (size > limit) {
      throw Error(ErrorCode::bad_input, std::string(kName) + ": expected at most " +
                                            std::to_string(limit >> 20U) + " MiB, found more");
    }
    write_all(descriptor, std::span(block).first(got));
    got = got == block.size() ? read_block(block) : 0;
  }
}

// Files are opened more than once, and looked at before they are: a pipe would be empty by then, or
// not open before somebody writes. What is not there is left to who opens it.
void refuse_special(const std::string& path) {
  std::error_code ignored;
  switch (std::filesystem::status(path, ignored).type()) {
    case std::filesystem::file_type::directory:
      throw Error(ErrorCode::io, path + ": expected a file, found a folder");
    case std::filesystem::file_type::fifo:
      throw Error(ErrorCode::io, path +
                                     ": expected a file, found a pipe; what comes through "
                                     "standard input is called -");
    case std::filesystem::file_type::character:
    case std::filesystem::file_type::block:
    case std::filesystem::file_type::socket:
      throw Error(ErrorCode::io, path + ": expected a file, found a device or a socket");
    default:
      return;
  }
}

}  // namespace

InputFile::InputFile(std::string given) : given_(std::move(given)), path_(given_) {
  if (given_ != "-") {
    refuse_special(path_);
    return;
  }
  descriptor_ = open_nameless_file(std::filesystem::temp_directory_path());
  if (descriptor_ < 0) {
    throw Error(ErrorCode::io, std::string(kName) +
                                   ": cannot be kept in a temporary file: " + std::strerror(errno));
  }
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  try {
    keep_standard_input(descriptor_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

Error InputFile::named(const Error& error) const {
  std::string text = error.what();
  if (path_ != given_) {
    for (std::size_t at = text.find(path_); at != std::string::npos; at = text.find(path_)) {
      text.replace(at, path_.size(), kName);
    }
  }
  return Error(error.code(), text);
}

}  // namespace ondes
