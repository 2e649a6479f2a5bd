#include <catch2/catch.hpp>

#include "apps/play/played_score.h"
#include "engine/score/perform.h"
#include "tests/support/temporary_folder.h"

using namespace ondes;

TEST_CASE("a panic in a score ends the notes of the channels that were used, and says no more") {
  const TemporaryFolder folder;
  const std::string path = folder.file("take.mid");
  PlayedScore score("panic");
  score.add(1.0, {0x90, 60, 100});
  for (std::uint8_t channel = 0; channel < 16; ++channel) {
    score.add(1.5, {static_cast<std::uint8_t>(0xB0 | channel), 121, 0});
    score.add(1.5, {static_cast<std::uint8_t>(0xB0 | channel), 120, 0});
  }
  score.end(4.0);
  score.write(path);
  const Performance performance = read_performance(path);
  REQUIRE(performance.notes.size() == 1);
  CHECK(performance.notes[0].release_s == Approx(0.5));
  CHECK(performance.hanging_notes == 0);
  CHECK(performance.unmatched_note_offs == 0);
  CHECK(performance.controls.size() == 2);
  CHECK(performance.controls.back().kind == ControlKind::all_sound_off);
}

TEST_CASE("a key that was struck more often than lifted has as many ends as notes") {
  const TemporaryFolder folder;
  const std::string path = folder.file("take.mid");
  PlayedScore score("restrikes");
  for (int i = 0; i < 5; ++i) {
    score.add(0.1 * i, {0x90, 60, 100});
    score.add(0.1 * i, {0x93, 72, 100});
  }
  score.add(0.6, {0x80, 60, 64});
  score.add(0.7, {0x93, 72, 0});
  for (int i = 0; i < 3; ++i) {
    score.add(0.8, {0x80, 40, 64});  // was never down
  }
  score.add(0.9, {0x90, 40, 100});
  score.end(4.0);
  score.write(path);
  const Performance performance = read_performance(path);
  CHECK(performance.notes.size() == 11);
  CHECK(performance.hanging_notes == 0);
  CHECK(performance.unmatched_note_offs == 3);
  int at_the_end = 0;
  for (const PerformanceNote& note : performance.notes) {
    at_the_end += note.release_s == Approx(4.0) ? 1 : 0;
  }
  CHECK(at_the_end == 9);
}

TEST_CASE("keys that a loss let go of end there, and channels that were not used stay out") {
  const TemporaryFolder folder;
  const std::string path = folder.file("take.mid");
  PlayedScore score("loss");
  score.add(1.0, {0xB0, 64, 127});
  score.add(1.0, {0x90, 60, 100});
  score.add(1.0, {0x90, 60, 100});
  for (std::uint8_t channel = 0; channel < 16; ++channel) {
    score.add(1.5, {static_cast<std::uint8_t>(0xB0 | channel), 64, 0});
    score.add(1.5, {static_cast<std::uint8_t>(0xB0 | channel), 123, 0});
  }
  score.end(4.0);
  score.write(path);
  const Performance performance = read_performance(path);
  REQUIRE(performance.notes.size() == 2);
  for (const PerformanceNote& note : performance.notes) {
    CHECK(note.release_s == Approx(0.5));
  }
  CHECK(performance.hanging_notes == 0);
  CHECK(performance.unmatched_note_offs == 0);
  REQUIRE(performance.controls.size() == 3);  // of the one channel that was used
  CHECK(performance.controls[1].kind == ControlKind::sustain);
  CHECK(performance.controls[1].value == 0.0F);
  CHECK(performance.controls[2].kind == ControlKind::all_notes_off);
}
