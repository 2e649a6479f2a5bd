#include "engine/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/error.h"

namespace ondes {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::io, path + ": cannot read: " + reason);
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  // O_NONBLOCK: opening a FIFO by mistake must fail below, not wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    fail(path, std::generic_category().message(errno));
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    const int error_number = errno;
    ::close(descriptor);
    fail(path, std::generic_category().message(error_number));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    fail(path, S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file");
  }
  const auto size_bytes = static_cast<std::size_t>(status.st_size);
  if (size_bytes != 0) {  // mmap refuses empty mappings
    void* memory = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (memory == MAP_FAILED) {
      const int error_number = errno;
      ::close(descriptor);
      fail(path, std::generic_category().message(error_number));
    }
    bytes_ = {static_cast<const std::byte*>(memory), size_bytes};
  }
  ::close(descriptor);  // the mapping stays
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

}  // namespace ondes
