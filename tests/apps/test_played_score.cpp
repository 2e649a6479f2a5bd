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
