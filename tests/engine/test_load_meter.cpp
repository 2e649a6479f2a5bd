#include <algorithm>
#include <catch2/catch.hpp>

#include "engine/stream/load_meter.h"

using namespace ondes;

namespace {

void add_seconds(LoadMeter& meter, double load, double seconds, int lanes = 0) {
  for (double done = 0.0; done < seconds; done += 0.005) {
    meter.add(load * 0.005, 0.005, lanes);
  }
}

}  // namespace

TEST_CASE("a load below 90 % costs nothing, however long") {
  LoadMeter meter;
  add_seconds(meter, 0.88, 100.0);
  CHECK(meter.smoothed() == Approx(0.88));
  CHECK(meter.advise(64, 20, false) == 64);
  CHECK(meter.advise(64, 20, true) == 64);
}

TEST_CASE("a load that stays too high costs as many lanes as fit, after a quarter of a second") {
  LoadMeter meter;
  add_seconds(meter, 1.6, 0.2);
  CHECK(meter.advise(64, 20, false) == 64);  // not yet
  add_seconds(meter, 1.6, 0.3);
  const int advice = meter.advise(64, 20, false);
  CHECK(advice >= 9);  // 20 * 0.8 / 1.6 = 10
  CHECK(advice <= 10);
  CHECK(meter.advise(advice, advice, false) == advice);  // time to see what that brought
}

TEST_CASE("just above the limit an eighth is given up, never the last lane") {
  LoadMeter meter;
  add_seconds(meter, 0.92, 3.0);
  CHECK(meter.advise(64, 40, false) == 34);  // 40 * 0.8 / 0.92 = 34.8; seven eighths are 35
  LoadMeter heavy;
  add_seconds(heavy, 5.0, 3.0);
  CHECK(heavy.advise(64, 1, false) == 1);
  CHECK(heavy.advise(1, 1, true) == 1);
}

TEST_CASE("where an underrun is near there is no patience") {
  LoadMeter meter;
  add_seconds(meter, 3.0, 0.06);
  CHECK(meter.advise(64, 32, false) == 64);
  CHECK(meter.advise(64, 32, true) < 28);
}

// Blocks of 0.67 ms and a lead of 4 ms, as a keyboard's: the average over 0.1 s is still far below 1.
TEST_CASE("a lead of milliseconds is enough to see a chord that is too much, and to answer once") {
  constexpr double kBlockS = 32.0 / 48000;
  LoadMeter meter(0.004);
  add_seconds(meter, 0.3, 1.0, 2);
  meter.add(2.3 * kBlockS, kBlockS, 16);
  CHECK(meter.advise(16, 16, true) == 16);  // one block alone may be another program's doing
  meter.add(2.3 * kBlockS, kBlockS, 16);
  CHECK(meter.advise(16, 16, false) == 16);
  CHECK(meter.advise(16, 16, true) == 5);  // 16 * 0.8 / 2.3 = 5.6
  for (double s = 0.0; s < 0.005; s += kBlockS) {
    meter.add(2.0 * kBlockS, kBlockS, 16);  // they fade out
    CHECK(meter.advise(5, 5, true) == 5);
  }
}

TEST_CASE("single blocks that took long cost nothing, nor what took little of a long lead") {
  constexpr double kBlockS = 32.0 / 48000;
  LoadMeter meter(0.004);
  for (int times = 0; times < 1000; ++times) {
    meter.add(4.0 * kBlockS, kBlockS, 8);
    CHECK(meter.advise(16, 8, true) == 16);
    for (int blocks = 0; blocks < 20; ++blocks) {
      meter.add(0.6 * kBlockS, kBlockS, 8);
    }
  }
  LoadMeter patient(0.2);
  add_seconds(patient, 0.5, 1.0, 8);
  add_seconds(patient, 1.5, 0.02, 8);  // takes 10 ms
  CHECK(patient.advise(16, 8, true) == 16);
}

TEST_CASE("a source that does not say how many lanes sound gives up part of its limit") {
  LoadMeter meter;
  add_seconds(meter, 1.0, 3.0);
  CHECK(meter.advise(16, 0, false) == 12);  // 16 * 0.8
}

// A lane's cost is what the load says: 0.05 for one here.
TEST_CASE("a load under 70 % for some seconds brings lanes back: what fits, at most half as many") {
  LoadMeter meter;
  add_seconds(meter, 0.4, 3.9, 8);
  CHECK(meter.advise_more(8, 32) == 8);  // not yet
  add_seconds(meter, 0.4, 0.2, 8);
  CHECK(meter.advise_more(8, 32) == 12);   // 16 would fit
  CHECK(meter.advise_more(12, 32) == 12);  // time to see what that brought
  add_seconds(meter, 0.6, 4.1, 12);
  const int more = meter.advise_more(12, 32);
  CHECK(more >= 15);  // 12 * 0.8 / 0.6 = 16, rounded down
  CHECK(more <= 16);
  CHECK(meter.advise_more(32, 32) == 32);
}

TEST_CASE("lanes do not come back where one more would not fit, nor after a break of the calm") {
  LoadMeter full;
  add_seconds(full, 0.69, 60.0, 4);
  CHECK(full.advise_more(4, 32) == 4);  // five would take 0.86
  LoadMeter broken;
  add_seconds(broken, 0.3, 3.5, 4);
  add_seconds(broken, 0.75, 0.5, 4);
  add_seconds(broken, 0.3, 3.5, 4);
  CHECK(broken.advise_more(4, 32) == 4);
  add_seconds(broken, 0.3, 1.0, 4);
  CHECK(broken.advise_more(4, 32) == 6);
}

TEST_CASE("silence is no reason to allow more") {
  LoadMeter meter;
  add_seconds(meter, 0.01, 600.0, 0);
  CHECK(meter.advise_more(4, 32) == 4);
}

TEST_CASE("a raise that had to be taken back makes the next one wait twice as long, to a minute") {
  LoadMeter meter;
  double waited = LoadMeter::kRaisePatienceS;
  for (int times = 0; times < 6; ++times) {
    CAPTURE(times);
    add_seconds(meter, 0.4, waited - 0.2, 8);
    REQUIRE(meter.advise_more(8, 32) == 8);
    add_seconds(meter, 0.4, 1.0, 8);
    REQUIRE(meter.advise_more(8, 32) == 12);
    add_seconds(meter, 1.2, 1.0, 12);
    REQUIRE(meter.advise(12, 12, false) < 12);
    waited = std::min(2.0 * waited, LoadMeter::kMostRaisePatienceS);
  }
  // Long after the last raise it is another passage that is too much: no reason to wait longer.
  add_seconds(meter, 0.95, 2.0 * LoadMeter::kTrialS, 8);
  REQUIRE(meter.advise(8, 8, false) < 8);
  add_seconds(meter, 0.4, LoadMeter::kRaisePatienceS + 1.0, 8);
  CHECK(meter.advise_more(8, 32) == 12);
}
