#include <catch2/catch.hpp>
#include <vector>

#include "engine/error.h"
#include "engine/lanes/sequencer.h"

using namespace ondes;

namespace {

PerformanceNote note(double onset_s, double release_s, int key) {
  PerformanceNote n;
  n.onset_s = onset_s;
  n.release_s = release_s;
  n.key = key;
  n.velocity = 127;
  return n;
}

}  // namespace

TEST_CASE("times become the nearest sample, in order, however the score is cut") {
  Performance performance;
  performance.notes = {note(0.0, 1.0, 60), note(0.5, 0.75, 64), note(0.50001, 2.0, 60)};
  performance.controls = {{0.5, 0, ControlKind::sustain, 1.0F}};
  performance.duration_s = 2.0;
  Sequencer whole(performance, 24000);
  const std::span<const SynthEvent> all = whole.next(1000000);
  REQUIRE(all.size() == 8);
  CHECK(all[0].sample == 0);
  CHECK(all[1].kind == SynthEventKind::control);
  CHECK(all[1].sample == 12000);
  CHECK(all[2].key == 64);
  CHECK(all[2].value == 1.0F);
  CHECK(all[4].sample == 18000);
  CHECK(all[6].sample == 48000);
  CHECK(all[6].occurrence == 1);
  CHECK(all[7].control == ControlKind::sustain);  // the pedal was never lifted
  CHECK(all[7].value == 0.0F);
  CHECK(whole.finished());
  CHECK(whole.length_samples() == 48000);

  Sequencer cut(performance, 24000);
  std::size_t seen = 0;
  for (int block = 0; block < 5000; ++block) {
    const std::int64_t from = cut.position_samples();
    for (const SynthEvent& event : cut.next(17)) {
      CHECK(event.sample == all[seen++].sample);
      CHECK(event.sample >= from);
      CHECK(event.sample < from + 17);
    }
  }
  CHECK(seen == 8);
}

TEST_CASE("at one sample releases come first, then controllers, then onsets") {
  Performance performance;
  performance.notes = {note(0.0, 1.0, 60), note(1.0, 2.0, 60)};
  performance.controls = {{1.0, 0, ControlKind::program, 40.0F}};
  Sequencer sequencer(performance, 100);
  const std::span<const SynthEvent> events = sequencer.next(1000);
  REQUIRE(events.size() == 5);
  CHECK(events[1].kind == SynthEventKind::note_off);
  CHECK(events[1].occurrence == 0);
  CHECK(events[2].kind == SynthEventKind::control);
  CHECK(events[3].kind == SynthEventKind::note_on);
}

TEST_CASE("a note without length sounds for one sample and is let go") {
  Performance performance;
  performance.notes = {note(1.0, 1.0, 60)};
  Sequencer sequencer(performance, 100);
  const std::span<const SynthEvent> events = sequencer.next(1000);
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == SynthEventKind::note_on);
  CHECK(events[1].sample == 101);
}

TEST_CASE("an empty performance has no events and no length") {
  Sequencer sequencer(Performance{}, 24000);
  CHECK(sequencer.finished());
  CHECK(sequencer.next(100).empty());
  CHECK(sequencer.length_samples() == 0);
}

TEST_CASE("a score longer than a day is refused") {
  Performance performance;
  performance.duration_s = 1e9;
  CHECK_THROWS_AS(Sequencer(performance, 24000), Error);
}
