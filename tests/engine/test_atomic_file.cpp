#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <iterator>

#include "engine/files/atomic_file.h"
#include "engine/files/mapped_file.h"
#include "engine/files/sha256.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

namespace {

using namespace ondes;
using Names = std::vector<std::string>;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span{text});
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

// A limit on the size of files this process writes, while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &saved_) == 0);
    const rlimit limit{bytes, saved_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &saved_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit saved_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("a written file has its bytes, the umask's mode, and no company") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  const mode_t mask = ::umask(027);
  write_file_atomically(path, bytes_of("hello"));
  ::umask(mask);
  CHECK(contents(path) == "hello");
  CHECK(mode_of(path) == 0640);
  CHECK(folder.names() == Names{"out.bin"});
}

TEST_CASE("an existing file is replaced and keeps its mode") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  write_file_atomically(path, bytes_of("a longer text"));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  write_file_atomically(path, bytes_of("short"));
  CHECK(contents(path) == "short");
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("an empty file can be written") {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("empty"), {});
  CHECK(folder.names() == Names{"empty"});
  CHECK(MappedFile(folder.file("empty")).bytes().empty());
}

TEST_CASE("until commit the target is as it was, and without it nothing stays behind") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  {
    AtomicFileWriter writer(path);
    writer.write(bytes_of("new"));
    CHECK_FALSE(std::filesystem::exists(path));
  }
  CHECK(folder.names().empty());
  write_file_atomically(path, bytes_of("old"));
  {
    AtomicFileWriter writer(path);
    writer.write(bytes_of("new"));
    CHECK(contents(path) == "old");
    CHECK(folder.names().size() == 2);
  }
  CHECK(contents(path) == "old");
  CHECK(folder.names() == Names{"out.bin"});
}

TEST_CASE("pieces are appended, and bytes already written can be corrected") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  AtomicFileWriter writer(path);
  writer.write(bytes_of("size=?;"));
  writer.write(bytes_of("abc"));
  writer.write_at(5, bytes_of("3"));
  writer.write(bytes_of("."));
  writer.commit();
  CHECK(contents(path) == "size=3;abc.");
  check_contains(message_of(ErrorCode::io, [&] { writer.commit(); }), {path, "twice"});
}

TEST_CASE("two writers of one target do not disturb each other; the last commit wins") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  AtomicFileWriter first(path);
  AtomicFileWriter second(path);
  first.write(bytes_of("first"));
  second.write(bytes_of("second"));
  second.commit();
  first.commit();
  CHECK(contents(path) == "first");
  CHECK(folder.names() == Names{"out.bin"});
}

TEST_CASE("a size limit is an io error that leaves the existing target and nothing else") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  write_file_atomically(path, bytes_of("old"));
  {
    const FileSizeLimit limit(1000);
    const std::string message = message_of(
        ErrorCode::io, [&] { write_file_atomically(path, bytes_of(std::string(5000, 'x'))); });
    check_contains(message, {path, "File too large"});
  }
  CHECK(contents(path) == "old");
  CHECK(folder.names() == Names{"out.bin"});
}

TEST_CASE("a missing folder, a folder as target and an empty name are io errors") {
  const TemporaryFolder folder;
  const std::string nowhere = folder.file("none/out.bin");
  check_contains(message_of(ErrorCode::io, [&] { write_file_atomically(nowhere, {}); }),
                 {nowhere, "No such file or directory"});
  check_contains(
      message_of(ErrorCode::io, [&] { write_file_atomically(folder.path().string(), {}); }),
      {folder.path().string(), "Is a directory"});
  message_of(ErrorCode::io, [&] { write_file_atomically("", {}); });
  write_file_atomically(folder.file("file"), {});
  check_contains(
      message_of(ErrorCode::io, [&] { write_file_atomically(folder.file("file/out.bin"), {}); }),
      {"Not a directory"});
  CHECK(folder.names() == Names{"file"});
}

TEST_CASE("an unwritable folder and a read-only target are io errors") {
  if (::geteuid() == 0) {
    // root may write everywhere but in the kernel's own file systems
    check_contains(message_of(ErrorCode::io, [] { write_file_atomically("/proc/ondes-test", {}); }),
                   {"/proc/ondes-test"});
    return;
  }
  const TemporaryFolder folder;
  const std::string path = folder.file("out.bin");
  write_file_atomically(path, bytes_of("old"));
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  check_contains(message_of(ErrorCode::io, [&] { write_file_atomically(path, {}); }),
                 {path, "Permission denied"});
  REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
  check_contains(message_of(ErrorCode::io, [&] { write_file_atomically(folder.file("new"), {}); }),
                 {"new", "Permission denied"});
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  CHECK(contents(path) == "old");
  CHECK(folder.names() == Names{"out.bin"});
}

TEST_CASE("a device is written and not replaced; a full one is an io error") {
  struct stat before {};
  if (::stat("/dev/full", &before) != 0 || !S_ISCHR(before.st_mode)) {
    WARN("skipped: there is no /dev/full here");
    return;
  }
  check_contains(
      message_of(ErrorCode::io, [] { write_file_atomically("/dev/full", bytes_of("x")); }),
      {"/dev/full", "No space left on device"});
  write_file_atomically("/dev/null", bytes_of("x"));
  struct stat after {};
  REQUIRE(::stat("/dev/full", &after) == 0);
  CHECK(S_ISCHR(after.st_mode));
  CHECK(after.st_ino == before.st_ino);
}

TEST_CASE("a link stays a link and its target gets the bytes") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "real");
  const std::string real = folder.file("real/out.bin");
  const std::string link = folder.file("link.bin");
  write_file_atomically(real, bytes_of("old"));
  std::filesystem::create_symlink(real, link);
  write_file_atomically(link, bytes_of("new"));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(contents(real) == "new");
  CHECK(folder.names() == Names{"link.bin", "real"});
}

TEST_CASE("a target whose name is as long as the file system allows can be written") {
  const TemporaryFolder folder;
  const std::string path = folder.file(std::string(255, 'n'));
  write_file_atomically(path, bytes_of("x"));
  CHECK(contents(path) == "x");
}

TEST_CASE("a relative name without a folder is written where the program stands") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file_atomically("bare.bin", bytes_of("x"));
  write_file_atomically("bare.bin", bytes_of("y"));
  std::filesystem::current_path(before);
  CHECK(contents(folder.file("bare.bin")) == "y");
  CHECK(folder.names() == Names{"bare.bin"});
}

TEST_CASE("a mapping has the file's bytes and outlives the file's replacement") {
  const TemporaryFolder folder;
  const std::string path = folder.file("in.bin");
  write_file_atomically(path, bytes_of("first"));
  const MappedFile mapped(path);
  write_file_atomically(path, bytes_of("2"));
  REQUIRE(mapped.bytes().size() == 5);
  CHECK(mapped.bytes()[0] == std::byte{'f'});
}

TEST_CASE("a pipe, a folder and a missing file cannot be mapped") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& path : {pipe, folder.path().string(), folder.file("none")}) {
    check_contains(message_of(ErrorCode::io, [&] { MappedFile mapped(path); }), {path});
  }
}

TEST_CASE("SHA-256 gives the digests that FIPS 180-4's examples print") {
  CHECK(sha256_hex({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(bytes_of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const TemporaryFolder folder;
  write_file_atomically(folder.file("abc"), bytes_of("abc"));
  CHECK(sha256_of_file(folder.file("abc")) == sha256_hex(bytes_of("abc")));
}
