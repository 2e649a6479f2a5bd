#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/error.h"
#include "engine/lanes/rehearsal.h"
#include "engine/stream/score_source.h"
#include "tests/support/synth_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

Performance phrase() {
  Performance performance;
  for (int i = 0; i < 8; ++i) {
    PerformanceNote note;
    note.onset_s = 0.25 * i;
    note.release_s = note.onset_s + 0.4;
    note.key = 60 + i;
    note.velocity = 100;
    performance.notes.push_back(note);
  }
  performance.controls = {{0.0, 0, ControlKind::volume, 0.5F}, {1.1, 0, ControlKind::pan, -1.0F}};
  performance.duration_s = 2.15;
  return performance;
}

// A toy voice that lives as long as its source.
struct ToyVoice {
  NoteContract contract = toy_contract();
  NotePlan plan = toy_plan();
};

SynthVoice toy_voice(int max_lanes = 8) {
  const auto parts = std::make_shared<ToyVoice>();
  SynthVoice voice;
  voice.owner = parts;
  voice.plan = &parts->plan;
  voice.contract = &parts->contract;
  voice.runner = std::make_unique<FakeStepRunner>(max_lanes, 128);
  return voice;
}

// Everything that a source gives, in blocks whose sizes repeat.
std::vector<float> drain(StreamSource& source, const std::vector<int>& blocks = {256}) {
  std::vector<float> all;
  std::vector<float> block(2 * 4096);
  for (std::size_t i = 0;; ++i) {
    const int frames = blocks[i % blocks.size()];
    const int made = source.render({block.data(), frames, 2}, 0);
    all.insert(all.end(), block.begin(), block.begin() + std::ptrdiff_t{2} * made);
    if (made < frames) {
      return all;
    }
  }
}

}  // namespace

TEST_CASE("a score source gives the samples of the offline pipeline, however it is cut") {
  const Performance performance = phrase();
  SynthRig offline(8, 128);
  Sequencer sequencer(performance, 24000);
  const std::span<const SynthEvent> events = sequencer.next(1 << 20);
  const Rehearsal rehearsal =
      rehearse(performance, toy_plan(), offline.contract, {}, 8, std::nullopt);
  const std::vector<float> expected =
      offline.render({events.begin(), events.end()}, static_cast<int>(rehearsal.samples), {128});
  for (const std::vector<int>& blocks : {std::vector<int>{256}, {1, 7, 64}, {4096}}) {
    ScoreSourceOptions options;
    options.total_samples = rehearsal.samples;
    ScoreSource fixed(toy_voice(), performance, options);
    CHECK(drain(fixed, blocks) == expected);
    options.total_samples.reset();
    ScoreSource open(toy_voice(), performance, options);
    const std::vector<float> heard = drain(open, blocks);
    REQUIRE(heard.size() >= expected.size());  // the synth's own tail is not cut
    CHECK(std::equal(expected.begin(), expected.end(), heard.begin()));
  }
}

TEST_CASE("from a later position: no earlier notes, but the controllers as they were there") {
  const Performance later = performance_from(phrase(), {1.3, 1.0});
  REQUIRE(later.notes.size() == 2);
  CHECK(later.notes[0].key == 66);
  CHECK(later.notes[0].onset_s == Approx(0.2));
  CHECK(later.controls[1].time_s == 0.0);
  ScoreSourceOptions options;
  options.position.start_s = 1.3;
  ScoreSource source(toy_voice(), phrase(), options);
  const std::vector<float> heard = drain(source);
  // Silence until the next onset at 0.2 s; then the right channel stays silent: panned hard left.
  double left = 0.0;
  double right = 0.0;
  for (std::size_t t = 0; t < heard.size() / 2; ++t) {
    if (t < 4800) {
      REQUIRE(heard[2 * t] == 0.0F);
    }
    left += std::abs(heard[2 * t]);
    right += std::abs(heard[2 * t + 1]);
  }
  CHECK(left > 100.0);
  CHECK(right < 0.01 * left);
  CHECK(source.state().position_s > 1.3 + 0.85);
}

TEST_CASE("at twice the tempo everything comes twice as early, and position counts score time") {
  ScoreSourceOptions options;
  options.position.tempo = 2.0;
  ScoreSource source(toy_voice(), phrase(), options);
  std::vector<float> block(std::size_t{2} * 2400);
  source.render({block.data(), 2400, 2}, 0);
  CHECK(source.state().position_s == Approx(0.2));
  CHECK(source.state().notes == 1);
  source.render({block.data(), 1200, 2}, 0);  // the second note is at 0.125 s now
  CHECK(source.state().notes == 2);
  message_of(ErrorCode::usage, [] { performance_from(phrase(), {0.0, 0.0}); });
}

TEST_CASE("a retired source begins no note, rings out and ends") {
  ScoreSource source(toy_voice(), phrase(), {});
  std::vector<float> block(std::size_t{2} * 4096);
  source.render({block.data(), 4096, 2}, 0);
  CHECK(source.state().notes == 1);
  source.retire();
  const std::vector<float> rest = drain(source);
  CHECK(source.state().notes == 1);
  // The note's release at 0.4 s (5504 samples from here) is still to come, and its decay.
  CHECK(rest.size() / 2 > 5504);
  CHECK(rest.size() / 2 < 24000);
  CHECK(std::abs(rest[rest.size() - 2]) < 1.0e-3F);
}

TEST_CASE("fewer lanes: the quietest fade out, and later notes keep within them") {
  SynthRig rig(8, 128);
  std::vector<SynthEvent> chord;
  for (int i = 0; i < 6; ++i) {
    chord.push_back(note_on(0, 50 + 4 * i));
  }
  rig.render(chord, 4800);
  rig.synth.limit_lanes(3);
  std::vector<float> out(std::size_t{2} * 240);
  rig.synth.process({}, {out.data(), 240, 2});
  CHECK(rig.synth.stats().lanes_now == 3);
  CHECK(rig.synth.stats().stolen_notes == 3);
  const SynthEvent more[] = {note_on(rig.synth.position_samples(), 90),
                             note_on(rig.synth.position_samples(), 91)};
  rig.synth.process(more, {out.data(), 240, 2});
  CHECK(rig.synth.stats().lanes_now == 3);
  CHECK(rig.synth.lane_limit() == 3);
}
