#include "apps/score_file.h"

#include <span>

#include "engine/error.h"
#include "engine/files/mapped_file.h"
#include "engine/files/sha256.h"

namespace ondes {
namespace {

Score score_from_bytes(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > kMaxMidiFileBytes) {
    throw Error(ErrorCode::bad_input, name + ": expected at most 64 MiB, found " +
                                          std::to_string(bytes.size()) + " bytes");
  }
  Score score;
  score.name = name;
  score.sha256 = sha256_hex(bytes);
  score.midi = parse_midi(bytes, name);
  try {
    score.performance = perform(score.midi);
  } catch (const Error& error) {  // it has not heard the name
    throw Error(error.code(), name + ": " + error.what());
  }
  return score;
}

}  // namespace

Score load_score(const std::string& path) {
  const MappedFile file(path);
  return score_from_bytes(file.bytes(), path);
}

}  // namespace ondes
