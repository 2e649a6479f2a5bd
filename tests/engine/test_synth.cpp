#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/error.h"
#include "engine/flush_to_zero.h"
#include "tests/support/synth_rig.h"

using namespace ondes;

namespace {

// A little piece that uses every kind of event.
std::vector<SynthEvent> piece() {
  return {control(0, ControlKind::program, 73.0F, 1),
          control(0, ControlKind::pan, -0.5F, 1),
          note_on(10, 60),
          note_on(10, 64),
          note_on(1000, 72, 0.5F, 1),
          control(1500, ControlKind::modulation, 0.7F, 1),
          control(1777, ControlKind::expression, 0.4F),
          control(2000, ControlKind::sustain, 1.0F),
          note_off(2100, 60),
          control(2222, ControlKind::bend, 1.5F, 1),
          note_on(2500, 60),
          note_off(3001, 64),
          note_off(3002, 60),
          control(3500, ControlKind::sustain, 0.0F),
          note_off(4100, 72, 1),
          control(4200, ControlKind::volume, 0.9F, 1),
          note_on(4300, 67, 0.9F, 1),
          control(5003, ControlKind::all_notes_off, 0.0F, 1)};
}

float peak(const std::vector<float>& samples, int from, int to) {
  float worst = 0.0F;
  for (int t = 2 * from; t < 2 * to; ++t) {
    worst = std::max(worst, std::abs(samples[static_cast<std::size_t>(t)]));
  }
  return worst;
}

}  // namespace

TEST_CASE("any split into blocks gives the same samples, bit for bit") {
  SynthRig whole(16, 256);
  const std::vector<float> expected = whole.render(piece(), 12000, {12000});
  CHECK_FALSE(whole.runner.contract_broken);
  CHECK(peak(expected, 0, 12000) > 0.1F);
  std::mt19937 engine(7);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<int> sizes;
    for (int i = 0; i < 50; ++i) {
      sizes.push_back(1 + static_cast<int>(engine() % (trial < 10 ? 30 : 700)));
    }
    SynthRig split(16, trial % 2 == 0 ? 256 : 37);
    CHECK(split.render(piece(), 12000, sizes) == expected);
    CHECK_FALSE(split.runner.contract_broken);
  }
}

TEST_CASE("a note alone equals its part in a chord, bit for bit before the mix") {
  LaneRecorder alone;
  LaneRecorder chord;
  SynthRig one;
  one.synth.set_tap(&alone);
  one.render({note_on(100, 64), note_off(3000, 64)}, 12000);
  SynthRig many;
  many.synth.set_tap(&chord);
  many.render({note_on(50, 55, 0.3F, 2), note_on(100, 60), note_on(100, 64), note_on(100, 67),
               note_on(777, 70), note_off(3000, 60), note_off(3000, 64), note_off(3000, 67),
               note_off(3001, 70)},
              12000);
  const std::uint64_t identity = lane_identity(0, 64, 0);
  REQUIRE(alone.notes.contains(identity));
  REQUIRE(chord.notes.size() == 5);
  const std::vector<float>& a = alone.notes[identity];
  const std::vector<float>& b = chord.notes[identity];
  REQUIRE(a.size() > 3000);
  const std::size_t common = std::min(a.size(), b.size());
  CHECK(std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin()));
  CHECK(alone.contiguous);
  CHECK(chord.contiguous);
}

TEST_CASE("a chord is the sum of its notes") {
  std::vector<float> sum(2 * 8000, 0.0F);
  std::vector<SynthEvent> all;
  for (const int key : {60, 64, 67}) {
    SynthRig rig;
    const std::vector<float> part = rig.render({note_on(20, key), note_off(2000, key)}, 8000);
    std::transform(sum.begin(), sum.end(), part.begin(), sum.begin(), std::plus<>());
    all.push_back(note_on(20, key));
  }
  for (const int key : {60, 64, 67}) {
    all.push_back(note_off(2000, key));
  }
  SynthRig rig;
  // The same three products summed in the same order: nothing to forgive.
  CHECK(rig.render(all, 8000) == sum);
}

TEST_CASE("repeated notes of one key draw different numbers, and the same ones in every render") {
  const std::vector<SynthEvent> events{note_on(0, 60), note_off(1000, 60), note_on(6000, 60),
                                       note_off(7000, 60)};
  LaneRecorder first;
  LaneRecorder second;
  SynthRig a;
  a.synth.set_tap(&first);
  a.render(events, 12000);
  SynthRig b;
  b.synth.set_tap(&second);
  b.render(events, 12000);
  REQUIRE(first.notes.size() == 2);
  CHECK(first.notes == second.notes);
  CHECK(first.notes[lane_identity(0, 60, 0)] != first.notes[lane_identity(0, 60, 1)]);
}

TEST_CASE("the seed decides the noise") {
  SynthOptions other;
  other.seed = 1;
  SynthRig a;
  SynthRig b(16, 256, true, other);
  CHECK(a.render({note_on(0, 60)}, 1000) != b.render({note_on(0, 60)}, 1000));
}

TEST_CASE("an onset is exact to the sample and ramps up from zero") {
  for (const int onset : {0, 1, 63, 64, 777}) {
    SynthRig rig;
    const std::vector<float> out = rig.render({note_on(onset, 69)}, onset + 200);
    CHECK(peak(out, 0, onset + 1) == 0.0F);  // the ramp's first value is zero
    CHECK(out[static_cast<std::size_t>(2 * onset + 2)] != 0.0F);
    CHECK(std::abs(out[static_cast<std::size_t>(2 * onset + 2)]) <
          0.5F / 64.0F);  // one hop up to 1
  }
}

TEST_CASE("a release is exact to the sample: the ramp that leaves the note starts there") {
  const int release = 1017;
  SynthRig held;
  SynthRig let_go;
  const std::vector<float> a = held.render({note_on(0, 69)}, 3000);
  const std::vector<float> b = let_go.render({note_on(0, 69), note_off(release, 69)}, 3000);
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin());
  // The row opens at the release; its ramp's first value is where the gain stood.
  CHECK((differ.first - a.begin()) / 2 == release + 1);
}

TEST_CASE("a lane ends once it is inaudible, and the memory of it is silence") {
  SynthRig rig;
  const std::vector<float> out = rig.render({note_on(0, 69), note_off(2000, 69)}, 12000);
  CHECK(rig.synth.silent());
  CHECK(peak(out, 11000, 12000) == 0.0F);
  // Inaudible: -80 dBFS of network RMS 0.125 is a gain of 8e-4; just before the end no jump exceeds
  // that times the peak of the fake network (0.5) and the channel gain (0.44 a side).
  float worst_step = 0.0F;
  for (std::size_t t = 2 * 2300; t + 2 < out.size(); t += 2) {
    worst_step = std::max(worst_step, std::abs(out[t + 2] - out[t]));
  }
  CHECK(worst_step < 0.03F);
}

TEST_CASE("without a level network the gain is one and the release fades in 5 ms") {
  SynthRig rig(16, 256, false);
  LaneRecorder tap;
  rig.synth.set_tap(&tap);
  rig.render({note_on(0, 69), note_off(2000, 69)}, 4000);
  const std::vector<float>& note = tap.notes[lane_identity(0, 69, 0)];
  CHECK(note[0] == Approx(0.5F).margin(0.0011F));  // half a cosine plus the fake's noise, 0.001
  for (std::size_t t = 2120; t < note.size(); ++t) {
    REQUIRE(note[t] == 0.0F);
  }
  CHECK(rig.synth.silent());
}

TEST_CASE("the pedal holds a note until it is lifted, and a restrike lets the old one go") {
  const std::vector<SynthEvent> events{control(0, ControlKind::sustain, 1.0F), note_on(0, 69),
                                       note_off(1000, 69),
                                       control(4000, ControlKind::sustain, 0.0F)};
  SynthRig pedal;
  const std::vector<float> out = pedal.render(events, 12000);
  CHECK(peak(out, 3800, 4000) > 0.1F);
  CHECK(peak(out, 11000, 12000) == 0.0F);

  SynthRig restrike;
  restrike.render({control(0, ControlKind::sustain, 1.0F), note_on(0, 69), note_off(1000, 69),
                   note_on(2000, 69)},
                  11000);
  CHECK(restrike.synth.stats().lanes_now == 1);
  CHECK(restrike.synth.stats().lanes_max == 2);
}

TEST_CASE("all notes off honours the pedal, all sound off does not") {
  SynthRig notes_off;
  notes_off.render({control(0, ControlKind::sustain, 1.0F), note_on(0, 69),
                    control(1000, ControlKind::all_notes_off, 0.0F)},
                   12000);
  CHECK_FALSE(notes_off.synth.silent());
  SynthRig sound_off;
  const std::vector<float> out =
      sound_off.render({control(0, ControlKind::sustain, 1.0F), note_on(0, 69),
                        note_on(0, 50, 0.8F, 3), control(1000, ControlKind::all_sound_off, 0.0F)},
                       2000);
  CHECK(sound_off.synth.stats().lanes_now == 1);  // the other channel's
  CHECK(peak(out, 1200, 2000) > 0.1F);
}

TEST_CASE("reset lifts the pedal and straightens the bend but keeps volume and pan") {
  SynthRig rig;
  const std::vector<float> out =
      rig.render({control(0, ControlKind::pan, 1.0F), control(0, ControlKind::sustain, 1.0F),
                  note_on(0, 69), note_off(100, 69), control(2000, ControlKind::reset, 0.0F)},
                 12000);
  CHECK(rig.synth.silent());
  CHECK(std::abs(out[2 * 1000]) < 1e-6F);  // left: still panned hard right
}

TEST_CASE("a channel's program picks the instrument of the notes that follow") {
  // The fake network ignores it; the row shows it.
  SynthRig rig;
  rig.render({note_on(0, 60), control(10, ControlKind::program, 73.0F), note_on(20, 62)}, 100);
  CHECK(rig.synth.stats().notes_of_program[0] == 1);
  CHECK(rig.synth.stats().notes_of_program[73] == 1);
}

TEST_CASE("a mapping to an instrument the voice lacks is refused") {
  SynthOptions options;
  options.instrument_of_program[5] = 2;
  CHECK_THROWS_AS(SynthRig(4, 64, true, options), Error);
}

TEST_CASE("the synth works with denormals flushed and leaves the caller's mode as it was") {
  if (!kFlushToZeroSupported) {
    WARN("skipped: this processor has no flush-to-zero mode known to engine/flush_to_zero.h");
    return;
  }
  SynthRig rig;
  rig.render({note_on(0, 60)}, 100);
  CHECK(rig.runner.flushes_denormals);
  volatile float smallest = std::numeric_limits<float>::min();
  CHECK(smallest * 0.5F > 0.0F);
}
