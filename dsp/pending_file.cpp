#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "dsp/pending_file_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int error_number) {
  throw Error(ErrorCode::io,
              path + ": " + what + ": " + std::generic_category().message(error_number));
}

// A name of its own length, so that a target with the longest legal name can be written too.
std::string next_temporary_name() {
  static std::atomic<unsigned> counter{0};
  return ".ondes-audio-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
}

}  // namespace

PendingFile::PendingFile(const std::string& path) : path_(path), target_path_(path) {
  if (path == "-") {
    path_ = "standard output";
    descriptor_ = ::dup(STDOUT_FILENO);
    if (descriptor_ < 0) {
      fail(path_, "cannot write", errno);
    }
    return;
  }
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) {
    fail(path_, "cannot write", errno);
  }
  if (exists && S_ISDIR(status.st_mode)) {
    fail(path_, "cannot write", EISDIR);
  }
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) {
      fail(path_, "cannot write", errno);
    }
    return;
  }
  if (exists) {
    if (::access(path.c_str(), W_OK) != 0) {
      fail(path_, "cannot replace", errno);
    }
    std::error_code ignored;
    const auto resolved = std::filesystem::canonical(path, ignored);
    target_path_ = ignored ? path : resolved.string();
  }
  std::filesystem::path folder = std::filesystem::path(target_path_).parent_path();
  folder = folder.empty() ? "." : folder;
  do {
    temporary_path_ = (folder / next_temporary_name()).string();
    descriptor_ = ::open(temporary_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) {
    const int error_number = errno;
    temporary_path_.clear();
    fail(path_, "cannot create a file in '" + folder.string() + "'", error_number);
  }
  if (exists && ::fchmod(descriptor_, status.st_mode & 07777U) != 0) {
    const int error_number = errno;
    abandon();
    fail(path_, "cannot keep the permissions", error_number);
  }
}

PendingFile::~PendingFile() {
  abandon();
}

void PendingFile::abandon() noexcept {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
  if (!temporary_path_.empty()) {
    ::unlink(temporary_path_.c_str());
    temporary_path_.clear();
  }
}

bool PendingFile::write(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty() && error_number_ == 0) {
    const ssize_t written = is_seekable()
                                ? ::pwrite(descriptor_, bytes.data(), bytes.size(), position_)
                                : ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      error_number_ = errno == EINTR ? 0 : errno;
      continue;
    }
    if (written == 0) {
      error_number_ = ENOSPC;
      continue;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    position_ += written;
    size_ = std::max(size_, position_);
  }
  return error_number_ == 0;
}

std::size_t PendingFile::read(std::span<std::byte> bytes) noexcept {
  const ssize_t count =
      is_seekable() ? ::pread(descriptor_, bytes.data(), bytes.size(), position_) : 0;
  position_ += std::max<ssize_t>(count, 0);
  return static_cast<std::size_t>(std::max<ssize_t>(count, 0));
}

void PendingFile::check() const {
  if (error_number_ != 0) {
    fail(path_, "cannot write", error_number_);
  }
}

void PendingFile::commit() {
  check();
  // A pipe or device need not know fsync; a file that cannot be synced is not written.
  if (::fsync(descriptor_) != 0 && is_seekable()) {
    fail(path_, "cannot write", errno);
  }
  const int closed = ::close(descriptor_);
  const int close_error = errno;
  descriptor_ = -1;
  if (closed != 0) {
    fail(path_, "cannot write", close_error);
  }
  if (is_seekable()) {
    if (std::rename(temporary_path_.c_str(), target_path_.c_str()) != 0) {
      fail(path_, "cannot rename the finished file", errno);
    }
    temporary_path_.clear();
  }
}

}  // namespace ondes
