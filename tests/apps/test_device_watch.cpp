#include <catch2/catch.hpp>
#include <chrono>
#include <optional>

#include "apps/play/device_watch.h"

using namespace ondes;
using namespace std::chrono_literals;

namespace {

constexpr int kRateHz = 48000;

// Calls a meter as a driver does: turns of so many frames, in pieces, one turn after the other.
struct Driver {
  TurnMeter meter{kRateHz};
  std::int64_t frames = 0;

  std::int64_t now_ns() const { return frames * 1'000'000'000 / kRateHz; }
  void turn(int turn_frames, int piece_frames) {
    const std::int64_t begin_ns = now_ns();
    for (int done = 0; done < turn_frames; done += piece_frames) {
      const std::int64_t called_ns = begin_ns + 20'000 * (done / piece_frames);  // a copy's time
      const std::int64_t taken_ns =
          meter.add(1.0e-9 * static_cast<double>(begin_ns), piece_frames, called_ns);
      CHECK(std::abs(taken_ns - begin_ns - done * 1'000'000'000LL / kRateHz) <= 1);
    }
    frames += turn_frames;
  }
};

const TurnPlanner::Time kBegin{};

}  // namespace

TEST_CASE("what a driver hands out in pieces at one time is one turn") {
  Driver driver;
  CHECK(driver.meter.turn_frames() == 0);
  for (int i = 0; i < 10; ++i) {
    driver.turn(256, 256);
  }
  CHECK(driver.meter.turn_frames() == 256);
  for (int i = 0; i < 3; ++i) {
    driver.turn(1024, 256);
  }
  CHECK(driver.meter.turn_frames() == 1024);
  for (int i = 0; i <= TurnMeter::kTurns; ++i) {
    driver.turn(128, 128);
  }
  CHECK(driver.meter.turn_frames() == 128);
}

TEST_CASE("one turn that is longer than all others says nothing, the second one does") {
  Driver driver;
  for (int i = 0; i < 10; ++i) {
    driver.turn(256, 256);
  }
  driver.turn(512, 256);
  driver.turn(256, 256);
  CHECK(driver.meter.turn_frames() == 256);
  driver.turn(512, 256);
  driver.turn(256, 256);
  CHECK(driver.meter.turn_frames() == 512);
}

TEST_CASE("a driver that knows no time has turns of one callback") {
  TurnMeter meter(kRateHz);
  for (std::int64_t i = 0; i < 10; ++i) {
    meter.add(0.0, 256, i * 256 * 1'000'000'000 / kRateHz);
  }
  CHECK(meter.turn_frames() == 256);
}

TEST_CASE("a longer turn is planned for at once, a shorter one once turns have stayed shorter") {
  TurnPlanner planner(256);
  CHECK_FALSE(planner.look(0, kBegin).has_value());  // not known yet
  CHECK_FALSE(planner.look(256, kBegin).has_value());
  CHECK(planner.look(1024, kBegin) == 1024);
  CHECK_FALSE(planner.look(1024, kBegin + 100ms).has_value());
  CHECK_FALSE(planner.look(128, kBegin + 200ms).has_value());
  CHECK_FALSE(planner.look(1024, kBegin + 900ms).has_value());  // it begins anew
  CHECK_FALSE(planner.look(128, kBegin + 1000ms).has_value());
  CHECK_FALSE(planner.look(512, kBegin + 1900ms).has_value());
  CHECK(planner.look(128, kBegin + 2000ms) == 512);  // the longest of that time
  CHECK_FALSE(planner.look(128, kBegin + 2100ms).has_value());
  CHECK(planner.look(128, kBegin + 3100ms) == 128);
  CHECK(planner.planned_frames() == 128);
}

TEST_CASE("a device that asks for nothing is silent for as long as somebody watches") {
  SilenceWatch watch;
  watch.begin(kBegin);
  for (int i = 1; i <= 20; ++i) {
    CHECK(watch.look(i, kBegin + 100ms * i) == 0ms);
  }
  for (int i = 21; i <= 41; ++i) {
    CHECK(watch.look(20, kBegin + 100ms * i) == 100ms * (i - 20));
  }
  CHECK(watch.look(21, kBegin + 4200ms) == 0ms);
}

TEST_CASE("an hour in which the program was stopped is no silence of the device") {
  SilenceWatch watch;
  watch.begin(kBegin);
  watch.look(7, kBegin + 100ms);
  CHECK(watch.look(7, kBegin + 1h) == SilenceWatch::kLongestStepMs);
  CHECK(watch.look(7, kBegin + 1h + 50ms) == SilenceWatch::kLongestStepMs + 50ms);
  CHECK(watch.look(8, kBegin + 1h + 100ms) == 0ms);
}
