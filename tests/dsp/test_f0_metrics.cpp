#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/f0_metrics.h"
#include "engine/error.h"

using namespace ondes;

using Hz = std::vector<double>;

TEST_CASE("a track against itself is without error") {
  const Hz hz = {0.0, 100.0, 110.0, 0.0, 120.0};
  const F0Metrics m = f0_metrics(hz, hz);
  CHECK(m.frames == 5);
  CHECK(m.both_voiced == 3);
  CHECK(m.rmse_cents.value == 0.0);
  CHECK(m.bias_cents.value == 0.0);
  CHECK(m.median_abs_cents.value == 0.0);
  CHECK(m.gpe.value == 0.0);
  CHECK(m.vuv_error.value == 0.0);
  CHECK(m.ffe.value == 0.0);
  CHECK(m.voicing_f1.value == 1.0);
  CHECK(m.correlation.value == 1.0);
}

TEST_CASE("a case worked by hand") {
  // An octave above, right, a voiced frame lost, one invented, silent in both, 100 cents below.
  const Hz reference = {100.0, 200.0, 300.0, 0.0, 0.0, 400.0};
  const Hz generated = {200.0, 200.0, 0.0, 100.0, -50.0, 400.0 * std::pow(2.0, -1.0 / 12.0)};
  const F0Metrics m = f0_metrics(reference, generated);
  CHECK(m.both_voiced == 3);
  CHECK(*m.rmse_cents.value == Approx(std::sqrt((1200.0 * 1200.0 + 100.0 * 100.0) / 3.0)));
  CHECK(*m.bias_cents.value == Approx(1100.0 / 3.0));
  CHECK(*m.median_abs_cents.value == Approx(100.0));
  CHECK(*m.gpe.value == Approx(1.0 / 3.0));
  CHECK(*m.vuv_error.value == Approx(2.0 / 6.0));
  CHECK(*m.ffe.value == Approx(3.0 / 6.0));
  CHECK(*m.voicing_precision.value == Approx(3.0 / 4.0));
  CHECK(*m.voicing_recall.value == Approx(3.0 / 4.0));
  CHECK(*m.voicing_f1.value == Approx(3.0 / 4.0));
}

TEST_CASE("a pitch deviation of exactly a fifth of the pitch is not gross") {
  CHECK(f0_metrics(Hz{100.0, 100.0}, Hz{120.0, 80.0}).gpe.value == 0.0);
  CHECK(f0_metrics(Hz{100.0, 100.0}, Hz{121.0, 79.0}).gpe.value == 1.0);
}

TEST_CASE("swapping the tracks turns the bias and exchanges precision and recall") {
  const Hz a = {100.0, 200.0, 300.0, 0.0, 150.0};
  const Hz b = {101.0, 190.0, 0.0, 0.0, 149.0};
  const F0Metrics ab = f0_metrics(a, b);
  const F0Metrics ba = f0_metrics(b, a);
  CHECK(*ab.rmse_cents.value == Approx(*ba.rmse_cents.value));
  CHECK(*ab.bias_cents.value == Approx(-*ba.bias_cents.value));
  CHECK(ab.vuv_error.value == ba.vuv_error.value);
  CHECK(ab.voicing_precision.value == ba.voicing_recall.value);
  CHECK(*ab.correlation.value == Approx(*ba.correlation.value));
}

TEST_CASE("what cannot be measured has a reason, not a NaN") {
  const F0Metrics none = f0_metrics(Hz{}, Hz{});
  CHECK(!none.vuv_error.value);
  CHECK(none.vuv_error.reason == "no frames");
  const F0Metrics silent = f0_metrics(Hz{0.0, 0.0}, Hz{0.0, 0.0});
  CHECK(silent.vuv_error.value == 0.0);
  CHECK(silent.ffe.value == 0.0);
  for (const Measured* m : {&silent.rmse_cents, &silent.bias_cents, &silent.median_abs_cents,
                            &silent.gpe, &silent.voicing_precision, &silent.voicing_recall,
                            &silent.voicing_f1, &silent.correlation}) {
    CHECK(!m->value);
    CHECK(!m->reason.empty());
  }
  const F0Metrics still = f0_metrics(Hz{100.1, 100.1, 100.1}, Hz{99.0, 101.0, 100.0});
  CHECK(!still.correlation.value);
  CHECK(!f0_metrics(Hz{100.0}, Hz{100.0}).correlation.value);
}

TEST_CASE("unequal lengths and NaN are refused") {
  CHECK_THROWS_WITH(f0_metrics(Hz{1.0}, Hz{1.0, 2.0}), Catch::Contains("1 and 2 frames"));
  CHECK_THROWS_WITH(f0_metrics(Hz{1.0, std::numeric_limits<double>::quiet_NaN()}, Hz{1.0, 2.0}),
                    Catch::Contains("frame 1"));
  CHECK_THROWS_AS(f0_metrics(Hz{1.0}, Hz{std::numeric_limits<double>::infinity()}), Error);
}

TEST_CASE("tracks of different hops are compared at the reference's times") {
  PitchTrack reference;
  PitchTrack generated;
  for (int t = 0; t < 100; ++t) {
    reference.times_s.push_back(0.01 * t);
    reference.hz.push_back(200.0 + t);
  }
  for (int t = 0; t < 150; ++t) {
    generated.times_s.push_back(0.005 * t);
    generated.hz.push_back(200.0 + 0.5 * t);
  }
  const F0Metrics m = f0_metrics(reference, generated);
  CHECK(m.frames == 100);
  CHECK(m.both_voiced == 75);  // 0.745 s is the last frame generated
  CHECK(*m.rmse_cents.value < 1e-6);
  CHECK(*m.vuv_error.value == Approx(0.25));
}

TEST_CASE(
    "a track without frames on either side has reasons for every measure, no voicing errors") {
  PitchTrack track;
  track.times_s = {0.0, 0.01};
  track.hz = {200.0, 210.0};
  const auto all_none = [](const F0Metrics& m, const std::string& side) {
    for (const Measured* value :
         {&m.rmse_cents, &m.bias_cents, &m.median_abs_cents, &m.gpe, &m.vuv_error, &m.ffe,
          &m.voicing_precision, &m.voicing_recall, &m.voicing_f1, &m.correlation}) {
      CHECK_FALSE(value->value);
      CHECK_THAT(value->reason, Catch::Contains(side) && Catch::Contains("no frames"));
    }
  };
  all_none(f0_metrics(PitchTrack(), track), "reference");
  all_none(f0_metrics(track, PitchTrack()), "generated");
  all_none(f0_metrics(PitchTrack(), PitchTrack()), "reference");
  CHECK(*f0_metrics(track, track).vuv_error.value == 0.0);
}
