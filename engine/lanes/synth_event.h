// What a synth is told to do, and when. The same events come from a score (Sequencer) and from a
// keyboard. Plain data: any thread.
#pragma once
#include <cstdint>

#include "engine/score/performance.h"

namespace ondes {

enum class SynthEventKind { note_on, note_off, control };

struct SynthEvent {
  std::int64_t sample = 0;  // absolute, counted from the synth's first sample; the past means now
  SynthEventKind kind = SynthEventKind::note_on;
  ControlKind control = ControlKind::program;  // of a control
  int channel = 0;                             // 0..15
  int key = 60;                                // of a note, 0..127
  float value = 0.0F;  // note_on: velocity 0..1; control: as in performance.h
  // note_off: which note of that channel and key, counted from 0; -1: the oldest whose key is down.
  std::int64_t occurrence = -1;
};

}  // namespace ondes
