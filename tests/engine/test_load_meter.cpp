#include <catch2/catch.hpp>

#include "engine/stream/load_meter.h"

using namespace ondes;

namespace {

void add_seconds(LoadMeter& meter, double load, double seconds) {
  for (double done = 0.0; done < seconds; done += 0.005) {
    meter.add(load * 0.005, 0.005);
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

TEST_CASE("a source that does not say how many lanes sound gives up part of its limit") {
  LoadMeter meter;
  add_seconds(meter, 1.0, 3.0);
  CHECK(meter.advise(16, 0, false) == 12);  // 16 * 0.8
}
