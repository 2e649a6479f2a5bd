#include <catch2/catch.hpp>
#include <vector>

#include "engine/error.h"
#include "engine/lanes/rehearsal.h"
#include "tests/support/synth_rig.h"

using namespace ondes;

namespace {

Performance little_piece() {
  Performance performance;
  for (int i = 0; i < 12; ++i) {
    PerformanceNote note;
    note.onset_s = 0.05 * i;
    note.release_s = note.onset_s + 0.02 * (1 + i % 7);
    note.key = 48 + i;
    note.channel = i % 3;
    performance.notes.push_back(note);
  }
  performance.controls = {{0.1, 1, ControlKind::sustain, 1.0F}};  // never lifted
  performance.duration_s = 1.0;
  return performance;
}

}  // namespace

TEST_CASE("a rehearsal counts exactly what the performance does: length, lanes, thefts") {
  for (const int max_lanes : {3, 16}) {
    const Performance performance = little_piece();
    const SynthOptions options;
    const Rehearsal rehearsal =
        rehearse(performance, toy_plan(), toy_contract(), options, max_lanes, std::nullopt);
    SynthRig rig(max_lanes, 128);
    Sequencer sequencer(performance, 24000);
    const std::span<const SynthEvent> events = sequencer.next(1 << 20);
    std::vector<float> out =
        rig.render({events.begin(), events.end()}, static_cast<int>(rehearsal.samples), {333});
    CHECK(rig.synth.silent());
    CHECK(rig.synth.stats().lanes_max == rehearsal.stats.lanes_max);
    CHECK(rig.synth.stats().stolen_notes == rehearsal.stats.stolen_notes);
    CHECK((rehearsal.stats.stolen_notes > 0) == (max_lanes == 3));
    CHECK(out[out.size() - 2 * 257 - 1000] != 0.0F);  // and no longer than it needs to be
  }
}

TEST_CASE("a given tail is the score's length plus the tail, to the sample") {
  const Rehearsal rehearsal =
      rehearse(little_piece(), toy_plan(), toy_contract(), SynthOptions{}, 16, 777);
  Sequencer sequencer(little_piece(), 24000);
  CHECK(rehearsal.samples == sequencer.length_samples() + 777);
}

TEST_CASE("a rehearsal can be interrupted") {
  CHECK_THROWS_AS(rehearse(little_piece(), toy_plan(), toy_contract(), SynthOptions{}, 16,
                           std::nullopt, [] { return false; }),
                  Error);
}

namespace {

// Half a minute of notes; what sounds at its end hangs on pedals, a drone and a late chord.
Performance long_piece(bool pedal, bool drone) {
  Performance performance;
  if (drone) {
    PerformanceNote note;
    note.release_s = 39.95;
    note.channel = 2;
    note.key = 30;
    performance.notes.push_back(note);
  }
  for (int i = 0; i < 400; ++i) {
    PerformanceNote note;
    note.onset_s = 0.1 * i;
    note.release_s = note.onset_s + 0.02 * (1 + i % 7);
    note.key = 48 + i % 24;
    note.channel = i < 100 ? i % 2 : 1;
    performance.notes.push_back(note);
  }
  if (pedal) {  // the second one is never lifted
    performance.controls = {{0.1, 1, ControlKind::sustain, 1.0F},
                            {2.0, 1, ControlKind::sustain, 0.0F},
                            {3.0, 0, ControlKind::sustain, 1.0F}};
  }
  performance.duration_s = 40.0;
  return performance;
}

}  // namespace

TEST_CASE("how long a piece sounds is known without rehearsing what has ended before") {
  for (const bool pedal : {false, true}) {
    for (const bool drone : {false, true}) {
      INFO("pedal " << pedal << ", drone " << drone);
      const Performance performance = long_piece(pedal, drone);
      const Rehearsal whole =
          rehearse(performance, toy_plan(), toy_contract(), SynthOptions{}, 256, std::nullopt);
      REQUIRE(whole.stats.stolen_notes == 0);
      CHECK(sounding_samples(performance, toy_plan(), toy_contract(), SynthOptions{}, 256) ==
            whole.samples);
    }
  }
}

TEST_CASE("a length that is asked for alone can be interrupted") {
  CHECK_THROWS_AS(sounding_samples(long_piece(true, true), toy_plan(), toy_contract(),
                                   SynthOptions{}, 16, [] { return false; }),
                  Error);
}
