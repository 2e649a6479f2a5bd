// A synth over the fake runner, and the ways tests drive it.
#pragma once
#include <algorithm>
#include <map>
#include <vector>

#include "engine/lanes/sequencer.h"
#include "engine/lanes/synth.h"
#include "tests/support/fake_step_runner.h"
#include "tests/support/toy_voice.h"

namespace ondes {

// Collects every lane's samples by identity.
struct LaneRecorder : LaneTap {
  void lane_block(const NoteLane& lane,
                  std::int64_t first_sample,
                  std::span<const float> samples) noexcept override {
    std::vector<float>& note = notes[lane.identity()];
    contiguous &= first_sample == static_cast<std::int64_t>(note.size());
    note.insert(note.end(), samples.begin(), samples.end());
  }
  std::map<std::uint64_t, std::vector<float>> notes;
  bool contiguous = true;
};

struct SynthRig {
  explicit SynthRig(int max_lanes = 16,
                    int max_block = 256,
                    bool with_level = true,
                    SynthOptions options = {})
      : contract(toy_contract()),
        runner(max_lanes, max_block),
        synth(toy_plan(with_level), contract, runner, with_flute(options)) {}

  // Program 73 is the flute, everything else the piano.
  static SynthOptions with_flute(SynthOptions options) {
    options.instrument_of_program[73] = 1;
    return options;
  }

  // Runs the events to `length`, cut into blocks whose sizes repeat `block_sizes`; interleaved
  // stereo.
  std::vector<float> render(const std::vector<SynthEvent>& events,
                            int length,
                            const std::vector<int>& block_sizes = {256}) {
    std::vector<float> out(static_cast<std::size_t>(length) * 2);
    std::size_t next = 0;
    int done = 0;
    for (std::size_t block = 0; done < length; ++block) {
      const int samples = std::min(block_sizes[block % block_sizes.size()], length - done);
      std::size_t last = next;
      while (last < events.size() && events[last].sample < done + samples) {
        ++last;
      }
      synth.process(std::span<const SynthEvent>(events).subspan(next, last - next),
                    Frames(out.data() + std::ptrdiff_t{2} * done, samples, 2));
      next = last;
      done += samples;
    }
    return out;
  }

  NoteContract contract;
  FakeStepRunner runner;
  Synth synth;
};

inline SynthEvent note_on(std::int64_t sample, int key, float velocity = 0.8F, int channel = 0) {
  SynthEvent event;
  event.sample = sample;
  event.channel = channel;
  event.key = key;
  event.value = velocity;
  return event;
}

inline SynthEvent note_off(std::int64_t sample, int key, int channel = 0) {
  SynthEvent event;
  event.sample = sample;
  event.kind = SynthEventKind::note_off;
  event.channel = channel;
  event.key = key;
  return event;
}

inline SynthEvent control(std::int64_t sample, ControlKind kind, float value, int channel = 0) {
  SynthEvent event;
  event.sample = sample;
  event.kind = SynthEventKind::control;
  event.control = kind;
  event.channel = channel;
  event.value = value;
  return event;
}

}  // namespace ondes
