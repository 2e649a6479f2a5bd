// All real scores of the test data against the notes that mido reads from them
// (tests/golden/midi/make_golden.py says what its files hold).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/score/perform.h"
#include "tests/support/test_data.h"

namespace {

namespace fs = std::filesystem;

// Half a 0.1 ms step of the golden files, and the rounding of a few thousand additions in mido.
// Far inside the millisecond that is asked for, so that a drift shows before it matters.
constexpr double kToleranceSeconds = 0.06e-3;

struct Comparison {
  std::size_t notes = 0;
  double worst_s = 0.0;
};

Comparison compare(const fs::path& golden, const ondes::Performance& performance) {
  std::ifstream in(golden);
  long notes = 0;
  long percussion = 0;
  long length = 0;
  long controls = 0;
  REQUIRE(in >> notes >> percussion >> length >> controls);
  CHECK(performance.percussion_notes == percussion);
  CHECK(std::abs(performance.duration_s - static_cast<double>(length) * 1e-4) < kToleranceSeconds);
  CHECK(performance.controls.size() == static_cast<std::size_t>(controls));
  REQUIRE(performance.notes.size() == static_cast<std::size_t>(notes));
  Comparison result{.notes = performance.notes.size()};
  std::size_t wrong = 0;
  long onset = 0;
  for (const ondes::PerformanceNote& note : performance.notes) {
    long delta = 0;
    long duration = 0;
    int channel = 0;
    int key = 0;
    int velocity = 0;
    int release_velocity = 0;
    REQUIRE(in >> delta >> duration >> channel >> key >> velocity >> release_velocity);
    onset += delta;
    const double onset_error = std::abs(note.onset_s - static_cast<double>(onset) * 1e-4);
    const double release_error =
        duration < 0 ? 0.0
                     : std::abs(note.release_s - static_cast<double>(onset + duration) * 1e-4);
    result.worst_s = std::max({result.worst_s, onset_error, release_error});
    wrong += note.channel != channel || note.key != key || note.velocity != velocity ||
                     note.release_velocity != release_velocity
                 ? 1
                 : 0;
  }
  CHECK(wrong == 0);
  CHECK(result.worst_s < kToleranceSeconds);
  return result;
}

}  // namespace

TEST_CASE("37 real scores have the notes and times that mido reads, within 1 ms") {
  const auto data = ondes::test_data();
  if (!data || !fs::exists(*data / "midi")) {
    WARN("SKIPPED: no ../shared/data/midi and no ONDES_TEST_DATA");
    return;
  }
  std::size_t scores = 0;
  std::size_t notes = 0;
  double worst_s = 0.0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(ONDES_SOURCE_DIR) / "tests/golden/midi")) {
    if (entry.path().extension() != ".notes") {
      continue;
    }
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const auto performance = ondes::read_performance((*data / "midi" / (name + ".mid")).string());
    const Comparison result = compare(entry.path(), performance);
    ++scores;
    notes += result.notes;
    worst_s = std::max(worst_s, result.worst_s);
  }
  CHECK(scores == 37);
  WARN(scores << " scores, " << notes << " notes, largest difference " << worst_s * 1e3 << " ms");
}
