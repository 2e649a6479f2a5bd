#include <catch2/catch.hpp>

#include "tests/support/ondes_program.h"

using namespace ondes;

// The runner's lanes are the voice's affair; everything else must not grow with the score. 300 MB
// is the limit of the project; what is held here is two orders below the file's 10 minutes of float
// (77 MB).
TEST_CASE("ten minutes of score take no more memory than half a minute") {
  const OndesRig rig;
  write_bytes(rig.folder.file("score.mid"), test_score(30));
  const ProgramResult shorter = rig.render("short.wav", {"--threads", "1"});
  INFO(shorter.err);
  REQUIRE(shorter.exit_code == 0);
  write_bytes(rig.folder.file("score.mid"), test_score(600));
  const ProgramResult longer = rig.render("long.wav", {"--threads", "1"});
  REQUIRE(longer.exit_code == 0);
  CHECK(longer.peak_memory_kib < 300 * 1024);
  // 9600 notes are 19,200 events of 48 bytes and as many of the performance: 3 MB at most.
  CHECK(longer.peak_memory_kib < shorter.peak_memory_kib + 8 * 1024);
}
