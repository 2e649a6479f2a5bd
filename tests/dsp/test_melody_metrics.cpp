// Agreement with mir_eval: tests/golden/test_mir_eval.cpp.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/melody_metrics.h"
#include "engine/error.h"

using namespace ondes;

namespace {

PitchTrack track(std::vector<double> hz, double hop_s = 0.01) {
  PitchTrack result;
  for (std::size_t t = 0; t < hz.size(); ++t) {
    result.times_s.push_back(hop_s * static_cast<double>(t));
  }
  result.hz = std::move(hz);
  return result;
}

}  // namespace

TEST_CASE("a melody against itself is right throughout") {
  const PitchTrack x = track({0.0, 220.0, 230.0, 0.0, -240.0});
  const MelodyMetrics m = melody_metrics(x, x);
  CHECK(m.voicing_recall.value == 1.0);
  CHECK(m.voicing_false_alarm.value == 0.0);
  CHECK(m.raw_pitch_accuracy.value == 1.0);
  CHECK(m.raw_chroma_accuracy.value == 1.0);
  CHECK(m.overall_accuracy.value == 1.0);
}

TEST_CASE("octaves, guesses in unvoiced frames and invented voices count as they should") {
  const double cents_49 = std::pow(2.0, 49.0 / 1200.0);
  const double cents_51 = std::pow(2.0, 51.0 / 1200.0);
  const PitchTrack reference = track({100.0, 100.0, 100.0, 100.0, 0.0, 0.0});
  //                       an octave up, near, called unvoiced but near, off, invented, right
  const PitchTrack estimate =
      track({200.0, 100.0 * cents_49, -100.0, 100.0 * cents_51, 150.0, 0.0});
  const MelodyMetrics m = melody_metrics(reference, estimate);
  CHECK(m.voicing_recall.value == 0.75);
  CHECK(m.voicing_false_alarm.value == 0.5);
  CHECK(m.raw_pitch_accuracy.value == 0.5);
  CHECK(m.raw_chroma_accuracy.value == 0.75);
  CHECK(*m.overall_accuracy.value == Approx(2.0 / 6.0));
  CHECK(*melody_metrics(reference, estimate, 60.0).raw_pitch_accuracy.value == 0.75);
}

TEST_CASE("where there is nothing to count there is a reason") {
  const MelodyMetrics silent = melody_metrics(track({0.0, 0.0}), track({0.0, 0.0}));
  CHECK(!silent.voicing_recall.value);
  CHECK(!silent.raw_pitch_accuracy.value);
  CHECK(silent.overall_accuracy.value == 1.0);
  const MelodyMetrics voiced = melody_metrics(track({100.0}), track({100.0}));
  CHECK(!voiced.voicing_false_alarm.value);
  CHECK(voiced.voicing_false_alarm.reason == "the reference has no unvoiced frame");
  const MelodyMetrics empty = melody_metrics(PitchTrack(), track({100.0}));
  CHECK(!empty.overall_accuracy.value);
  CHECK_THAT(empty.overall_accuracy.reason, Catch::Contains("reference's track has no frames"));
  const MelodyMetrics no_frames = melody_metrics(track({100.0, 0.0}), PitchTrack());
  CHECK(!no_frames.raw_pitch_accuracy.value);
  CHECK_THAT(no_frames.raw_pitch_accuracy.reason,
             Catch::Contains("estimate's track has no frames"));
  const MelodyMetrics nothing_found = melody_metrics(track({100.0, 0.0}), track({0.0, 0.0}));
  CHECK(nothing_found.voicing_recall.value == 0.0);
  CHECK(nothing_found.overall_accuracy.value == 0.5);
}

TEST_CASE("times that do not increase, NaN and a tolerance of 0 are refused") {
  PitchTrack backwards = track({100.0, 100.0});
  backwards.times_s = {0.1, 0.1};
  const PitchTrack good = track({100.0});
  CHECK_THROWS_WITH(melody_metrics(backwards, good), Catch::Contains("reference, frame 1"));
  CHECK_THROWS_WITH(melody_metrics(good, backwards), Catch::Contains("estimate, frame 1"));
  CHECK_THROWS_AS(melody_metrics(good, track({std::numeric_limits<double>::quiet_NaN()})), Error);
  CHECK_THROWS_AS(melody_metrics(good, good, 0.0), Error);
  PitchTrack torn = good;
  torn.hz.push_back(1.0);
  CHECK_THROWS_AS(melody_metrics(torn, good), Error);
}
