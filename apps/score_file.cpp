#include "apps/score_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "engine/error.h"
#include "engine/files/mapped_file.h"
#include "engine/files/sha256.h"

namespace ondes {
namespace {

std::vector<std::byte> read_standard_input() {
  std::vector<std::byte> bytes;
  std::size_t size = 0;
  while (true) {
    bytes.resize(size + 65536);
    const ssize_t got = ::read(STDIN_FILENO, bytes.data() + size, 65536);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      throw Error(ErrorCode::io, std::string("standard input: ") + std::strerror(errno));
    }
    size += static_cast<std::size_t>(got);
    bytes.resize(size);
    if (got == 0) {
      return bytes;
    }
    if (size > kMaxMidiFileBytes) {
      throw Error(ErrorCode::bad_input, "standard input: expected at most 64 MiB of MIDI");
    }
  }
}

Score score_from_bytes(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > kMaxMidiFileBytes) {
    throw Error(ErrorCode::bad_input, name + ": expected at most 64 MiB, found " +
                                          std::to_string(bytes.size()) + " bytes");
  }
  Score score;
  score.name = name;
  score.sha256 = sha256_hex(bytes);
  const std::string shown = name == "-" ? "standard input" : name;
  score.midi = parse_midi(bytes, shown);
  try {
    score.performance = perform(score.midi);
  } catch (const Error& error) {  // it has not heard the name
    throw Error(error.code(), shown + ": " + error.what());
  }
  return score;
}

}  // namespace

Score load_score(const std::string& path) {
  if (path == "-") {
    return score_from_bytes(read_standard_input(), path);
  }
  const MappedFile file(path);
  return score_from_bytes(file.bytes(), path);
}

}  // namespace ondes
