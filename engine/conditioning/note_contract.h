// The feature contract of a note voice: which numbers a lane feeds its network, and in which order.
//
// Row features (F), in order:
//   pitch                      (semitones - 60) / 24, MIDI note number with bend and vibrato
//   pitch_band_<n>             Gaussian bumps at `pitch_centres`, standard deviation `pitch_width`
//   velocity                   0..1
//   gate                       1 while held (key or sustain pedal), 0 from the release on
//   onset_decay_<n>            exp(-age since onset / onset_decays_s[n])
//   release_decay_<n>          exp(-age since release / release_decays_s[n]), 0 while held
//   instrument_<name>          weights, summing to 1; several non-zero ones morph
// Sample features (P): cos and sin of h times the note's phase, h = 1..harmonics, interleaved
// (cos 1, sin 1, cos 2, ...); a harmonic fades to zero between 80 and 95 % of the Nyquist
// frequency. With `phase`, the phase itself follows as one more feature, in turns, [-0.5, 0.5].
//
// A row comes into force at the onset, every hop_samples after it, and at the release, from which
// the hop grid counts anew: so onset and release are exact to the sample. A row at sample t holds
// the state at t.
#pragma once
#include <span>
#include <string>
#include <vector>

namespace ondes {

struct NoteContract {
  int sample_rate_hz = 24000;
  int hop_samples = 64;
  int harmonics = 12;
  bool phase = false;                // also as a number: generators that make partials from it
  std::vector<float> pitch_centres;  // MIDI note numbers
  float pitch_width = 6.0F;          // semitones
  std::vector<float> onset_decays_s;
  std::vector<float> release_decays_s;
  std::vector<std::string> instruments;
  std::vector<int> programs;  // General MIDI program (0-based) each instrument stands for

  int row_features() const noexcept;     // F
  int sample_features() const noexcept;  // P = 2 * harmonics, + 1 with `phase`
  std::vector<std::string> row_feature_names() const;
};

// What a row is computed from.
struct NoteInstant {
  float pitch_semitones = 60.0F;  // MIDI note number, with bend
  float velocity = 1.0F;          // 0..1
  bool held = true;
  double age_s = 0.0;                         // since onset
  double release_age_s = 0.0;                 // since release, when not held
  std::span<const float> instrument_weights;  // (instruments)
};

// Writes F features. No allocation; the same bits on every machine (engine/deterministic_math.h).
void write_row(const NoteContract& contract,
               const NoteInstant& instant,
               std::span<float> row) noexcept;

// Writes P features for a phase in cycles (any value) of a note at f0_hz.
void write_harmonics(const NoteContract& contract,
                     double phase_cycles,
                     float f0_hz,
                     std::span<float> features) noexcept;

// 440 Hz at note 69, equal temperament.
float semitones_to_hz(float pitch_semitones) noexcept;

}  // namespace ondes
