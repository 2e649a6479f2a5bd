// What a MIDI channel remembers: the controllers that its notes share.
//
// Defaults are General MIDI's: volume 100/127, expression full, pan centre, no bend, pedal up.
//
// Render thread.
#pragma once
#include <cstdint>

#include "engine/lanes/stereo_gain.h"
#include "engine/score/performance.h"

namespace ondes {

struct Channel {
  explicit Channel(int sample_rate_hz) : gain(sample_rate_hz) {
    gain.glide_to(pan_gains(volume, expression, pan));
    gain.snap();
  }

  int program = 0;
  float volume = 100.0F / 127.0F;
  float expression = 1.0F;
  float pan = 0.0F;
  float bend_semitones = 0.0F;
  float modulation = 0.0F;
  float morph = 0.0F;
  bool sustain = false;
  StereoGain gain;

  // Everything but the ending of notes, which is the synth's affair. Reset (CC121) follows RP-015:
  // volume, pan and program stay.
  void apply(ControlKind kind, float value) noexcept {
    switch (kind) {
      case ControlKind::program:
        program = static_cast<int>(value) & 127;
        return;
      case ControlKind::sustain:
        sustain = value >= 0.5F;
        return;
      case ControlKind::volume:
        volume = value;
        break;
      case ControlKind::expression:
        expression = value;
        break;
      case ControlKind::pan:
        pan = value;
        break;
      case ControlKind::modulation:
        modulation = value;
        return;
      case ControlKind::morph:
        morph = value;
        return;
      case ControlKind::bend:
        bend_semitones = value;
        return;
      case ControlKind::reset:
        expression = 1.0F;
        bend_semitones = 0.0F;
        modulation = 0.0F;
        sustain = false;
        break;
      case ControlKind::all_notes_off:
      case ControlKind::all_sound_off:
        return;
    }
    gain.glide_to(pan_gains(volume, expression, pan));
  }
};

}  // namespace ondes
