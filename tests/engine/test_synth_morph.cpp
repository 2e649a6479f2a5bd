// Morphing with a network behind it: the instruments' weights of the lanes really move.
#include <catch2/catch.hpp>
#include <vector>

#include "engine/lanes/synth.h"
#include "models/registry.h"
#include "tests/support/small_voice.h"
#include "tests/support/synth_rig.h"

using namespace ondes;

namespace {

constexpr int kSamples = 6400;

// A note of program 0 (piano) or 73 (flute), with what happens besides.
std::vector<float> note_with(int program, std::vector<SynthEvent> events) {
  const std::vector<std::byte> bytes = small_voice_bytes();
  const LanePlan plan = compile_lane_plan(parse_voice(bytes, "small"));
  const NoteContract contract = small_contract();
  LaneRunnerOptions runner_options;
  runner_options.max_lanes = 2;
  runner_options.max_block_samples = 64;
  runner_options.threads = 1;
  const auto runner = make_cpu_lane_runner(plan, runner_options);
  SynthOptions options;
  options.instrument_of_program[73] = 1;
  options.morph_instrument = 1;
  Synth synth(note_plan(plan), contract, *runner, options);
  events.insert(events.begin(), control(0, ControlKind::program, static_cast<float>(program)));
  std::vector<float> out(2 * kSamples);
  synth.process(events, {out.data(), kSamples, 2});
  return out;
}

std::size_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) {
    ++i;
  }
  return i / 2;
}

}  // namespace

TEST_CASE("wholly morphed, a note is the other instrument's, bit for bit; half way it is neither") {
  const auto piano = note_with(0, {note_on(0, 60)});
  const auto flute = note_with(73, {note_on(0, 60)});
  const auto whole = note_with(0, {control(0, ControlKind::morph, 1.0F), note_on(0, 60)});
  const auto half = note_with(0, {control(0, ControlKind::morph, 0.5F), note_on(0, 60)});
  const auto none = note_with(0, {control(0, ControlKind::morph, 0.0F), note_on(0, 60)});
  CHECK(first_difference(piano, flute) < kSamples);
  CHECK(whole == flute);
  CHECK(none == piano);
  CHECK(first_difference(half, piano) < kSamples);
  CHECK(first_difference(half, flute) < kSamples);
}

TEST_CASE("a note that sounds moves with the controller, within a hop") {
  const auto still = note_with(0, {note_on(0, 60)});
  const auto moved = note_with(0, {note_on(0, 60), control(3200, ControlKind::morph, 0.8F)});
  const std::size_t at = first_difference(still, moved);
  CHECK(at >= 3200);
  CHECK(at < 3200 + 2 * 32);  // the conditioning's hop is 32 samples
}
