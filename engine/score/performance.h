// A performance: a score with its tempo map applied, as timed channel events ready for note lanes.
//
// Times are seconds from the start of the score. Notes keep their score order; `notes` and
// `controls` are each sorted by time (ties: file order).
//
// The rules that needed a decision:
//   - A note-on of velocity 0 is a note-off. A note-off ends the oldest note that is down on its
//     channel and key, whichever track either stands in.
//   - CC 120 and 123 to 127 also lift every key of their channel; a note-off that follows for such
//     a key counts as unmatched.
//   - Bend is (value - 8192) / 8192 of the range of RPN 0, two semitones at first. Data entry MSB
//     sets semitones and zeroes cents, LSB sets cents; a new range moves a bend that is in force.
//     Null RPN and NRPN numbers send data entry nowhere. CC 121 unselects and centres the bend.
//   - Pan 0 and 1 are hard left, 64 is the middle, 127 hard right.
//   - Channel 10 (index 9) is counted and left out, its controls too.
//
// Plain data: any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ondes {

struct PerformanceNote {
  double onset_s = 0.0;
  double release_s = 0.0;  // key up; the sustain pedal may hold the sound longer
  int channel = 0;         // 0..15
  int key = 60;            // MIDI note number
  int velocity = 64;       // 1..127
  int release_velocity = 64;
  int track = 0;
};

enum class ControlKind {
  program,     // value 0..127
  sustain,     // CC64, value 0..1 (held at >= 0.5)
  volume,      // CC7, 0..1
  expression,  // CC11, 0..1
  pan,         // CC10, -1 (left) .. 1 (right)
  modulation,  // CC1, 0..1
  morph,       // 0: the program's instrument .. 1: another one; of a controller chosen by the user
  bend,        // semitones, the channel's RPN 0 range applied
  all_notes_off,  // CC123
  all_sound_off,  // CC120
  reset,          // CC121: sustain, modulation and bend to 0, expression to 1 (RP-015)
};

struct PerformanceControl {
  double time_s = 0.0;
  int channel = 0;
  ControlKind kind = ControlKind::program;
  float value = 0.0F;
};

struct Performance {
  std::string title;                   // first track name, may be empty
  std::vector<PerformanceNote> notes;  // channel 10 (index 9) left out
  std::vector<PerformanceControl> controls;
  double duration_s = 0.0;   // last event, the end of the last track included
  int percussion_notes = 0;  // notes of channel 10 that were left out
  int unmatched_note_offs = 0;
  int hanging_notes = 0;  // never released; ended at the end of their track
  int max_polyphony = 0;  // most keys down at once
};

}  // namespace ondes
