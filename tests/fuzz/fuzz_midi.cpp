// Arbitrary bytes as a MIDI file: either one Error, or a performance that keeps its promises.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "engine/error.h"
#include "engine/score/perform.h"

namespace {

// An abort that neither NDEBUG nor an optimiser takes away.
void require(bool promise) {
  if (!promise) {
    std::abort();
  }
}

void check_promises(const ondes::Performance& performance, std::size_t input_bytes) {
  require(performance.duration_s >= 0.0 && performance.duration_s <= ondes::kMaxScoreSeconds);
  require(performance.notes.size() + performance.controls.size() <= input_bytes);
  require(performance.max_polyphony <= static_cast<int>(performance.notes.size()));
  double before_s = 0.0;
  for (const ondes::PerformanceNote& note : performance.notes) {
    require(note.onset_s >= before_s && note.release_s >= note.onset_s);
    require(note.release_s <= performance.duration_s);
    require(note.channel >= 0 && note.channel < 16 && note.channel != 9);
    require(note.key >= 0 && note.key < 128 && note.velocity > 0 && note.velocity < 128);
    before_s = note.onset_s;
  }
  before_s = 0.0;
  for (const ondes::PerformanceControl& control : performance.controls) {
    require(control.time_s >= before_s && control.time_s <= performance.duration_s);
    require(control.channel >= 0 && control.channel < 16 && std::isfinite(control.value));
    before_s = control.time_s;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    check_promises(ondes::perform(ondes::parse_midi(bytes, "input")), size);
  } catch (const ondes::Error& error) {
    require(error.code() == ondes::ErrorCode::bad_input);
  }
  return 0;
}
