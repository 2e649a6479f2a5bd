#include "apps/scratch_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

[[noreturn]] void fail(const std::string& owner, const char* what) {
  throw Error(ErrorCode::io,
              owner + ": cannot " + what + " a temporary file: " + std::strerror(errno));
}

}  // namespace

int open_nameless_file(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
    return descriptor;
  }
  std::string pattern = (folder / ".ondes-XXXXXX.tmp").string();
  const int named = ::mkostemps(pattern.data(), 4, O_CLOEXEC);
  if (named >= 0) {
    ::unlink(pattern.c_str());
  }
  return named;
}

ScratchFile::ScratchFile(const std::filesystem::path& folder, const std::string& owner)
    : owner_(owner), descriptor_(open_nameless_file(folder)) {
  if (descriptor_ < 0) {
    fail(owner_, "make");
  }
}

ScratchFile::~ScratchFile() {
  ::close(descriptor_);
}

void ScratchFile::append(std::span<const float> values) {
  std::span<const std::byte> bytes = std::as_bytes(values);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      fail(owner_, "write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void ScratchFile::rewind() {
  if (::lseek(descriptor_, 0, SEEK_SET) != 0) {
    fail(owner_, "rewind");
  }
}

std::size_t ScratchFile::read(std::span<float> values) {
  std::span<std::byte> bytes = std::as_writable_bytes(values);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor_, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      fail(owner_, "read");
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return done / sizeof(float);
}

}  // namespace ondes
