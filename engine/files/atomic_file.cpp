#include "engine/files/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "engine/error.h"

namespace ondes {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int error_number) {
  throw Error(ErrorCode::io,
              path + ": " + what + ": " + std::generic_category().message(error_number));
}

// Opens a new file beside the target. The name is short whatever the target's is, so that a target
// at the file system's limit on name lengths can be written too.
int open_temporary(const std::string& path, const std::string& folder, std::string* temporary) {
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    *temporary = folder + "/.ondes-" + std::to_string(::getpid()) + "-" +
                 std::to_string(counter.fetch_add(1)) + ".tmp";
    const int descriptor =
        ::open(temporary->c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t{0666});
    if (descriptor >= 0) {
      return descriptor;
    }
    if (errno != EEXIST) {
      const int error_number = errno;
      temporary->clear();
      fail(path, "cannot create a file in folder '" + folder + "'", error_number);
    }
  }
  temporary->clear();
  fail(path, "cannot create a temporary file in folder '" + folder + "'", EEXIST);
}

// Writes all of `bytes`: at an offset, or at the descriptor's position where offset < 0.
void write_fully(const std::string& path,
                 int descriptor,
                 std::span<const std::byte> bytes,
                 std::int64_t offset_bytes) {
  while (!bytes.empty()) {
    const ssize_t written = offset_bytes < 0
                                ? ::write(descriptor, bytes.data(), bytes.size())
                                : ::pwrite(descriptor, bytes.data(), bytes.size(), offset_bytes);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail(path, "cannot write", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset_bytes += offset_bytes < 0 ? 0 : written;
  }
}

}  // namespace

AtomicFileWriter::AtomicFileWriter(const std::string& path) : path_(path), target_path_(path) {
  if (path.empty()) {
    throw Error(ErrorCode::io, "cannot write a file whose name is empty");
  }
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) {
    fail(path, "cannot write", errno);
  }
  if (exists && S_ISDIR(status.st_mode)) {
    fail(path, "cannot write", EISDIR);
  }
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) {
      fail(path, "cannot write", errno);
    }
    return;
  }
  if (exists) {
    if (::access(path.c_str(), W_OK) != 0) {
      fail(path, "cannot replace", errno);
    }
    std::error_code error;
    const std::filesystem::path resolved = std::filesystem::canonical(path, error);
    if (error) {
      fail(path, "cannot write", error.value());
    }
    target_path_ = resolved.string();
  }
  std::string folder = std::filesystem::path(target_path_).parent_path().string();
  folder = folder.empty() ? "." : folder;
  descriptor_ = open_temporary(path_, folder, &temporary_path_);
  if (exists && ::fchmod(descriptor_, status.st_mode & mode_t{07777}) != 0) {
    const int error_number = errno;
    abandon();
    fail(path_, "cannot keep the permissions", error_number);
  }
}

AtomicFileWriter::~AtomicFileWriter() {
  abandon();
}

void AtomicFileWriter::abandon() noexcept {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
  if (!temporary_path_.empty()) {
    ::unlink(temporary_path_.c_str());
    temporary_path_.clear();
  }
}

void AtomicFileWriter::write(std::span<const std::byte> bytes) {
  write_fully(path_, descriptor_, bytes, -1);
}

void AtomicFileWriter::write_at(std::int64_t offset_bytes, std::span<const std::byte> bytes) {
  if (offset_bytes < 0) {
    fail(path_, "cannot write before the start of the file", EINVAL);
  }
  write_fully(path_, descriptor_, bytes, offset_bytes);
}

void AtomicFileWriter::commit() {
  if (descriptor_ < 0) {
    fail(path_, "cannot finish a file twice", EBADF);
  }
  // A device or pipe need not know fsync; a regular file that cannot be synced is not written.
  if (::fsync(descriptor_) != 0 && has_temporary()) {
    fail(path_, "cannot write", errno);
  }
  const int closed = ::close(descriptor_);
  const int close_error = errno;
  descriptor_ = -1;
  if (closed != 0) {
    fail(path_, "cannot write", close_error);
  }
  if (!has_temporary()) {
    return;
  }
  if (::rename(temporary_path_.c_str(), target_path_.c_str()) != 0) {
    fail(path_, "cannot rename the finished file", errno);
  }
  temporary_path_.clear();
  // The file is there under its name; whether the folder's entry survives a power cut as well is
  // best effort, because some file systems refuse to sync a folder.
  const std::string folder = std::filesystem::path(target_path_).parent_path().string();
  const int folder_descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor >= 0) {
    static_cast<void>(::fsync(folder_descriptor));
    ::close(folder_descriptor);
  }
}

void write_file_atomically(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFileWriter writer(path);
  writer.write(bytes);
  writer.commit();
}

}  // namespace ondes
