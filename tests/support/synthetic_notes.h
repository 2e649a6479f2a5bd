// Notes whose pitch, level and decay are known exactly, as a small note corpus: what training
// measures and learns can be judged against the numbers they were made from.
#pragma once
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "models/training/note_corpus.h"

namespace ondes {

struct SyntheticNote {
  float pitch_semitones = 60.0F;
  double detune_cents = 0.0;
  double amplitude = 0.3;         // of the fundamental, at the onset
  double decay_s = 1e9;           // time constant while held
  double release_decay_s = 0.03;  // and after the release
  int samples = 2400;
  int release_sample = 1600;
};

inline constexpr int kSyntheticRateHz = 8000;
inline constexpr double kSecondHarmonic = 0.5;  // amplitudes relative to the fundamental
inline constexpr double kThirdHarmonic = 0.25;

inline double synthetic_hz(const SyntheticNote& note) {
  return 440.0 * std::pow(2.0, (static_cast<double>(note.pitch_semitones) - 69.0 +
                                note.detune_cents / 100.0) /
                                   12.0);
}

// Amplitude of the fundamental at a sample.
inline double synthetic_amplitude(const SyntheticNote& note, int sample) {
  const double held_s = static_cast<double>(std::min(sample, note.release_sample));
  const double released_s = static_cast<double>(std::max(0, sample - note.release_sample));
  return note.amplitude * std::exp(-held_s / kSyntheticRateHz / note.decay_s) *
         std::exp(-released_s / kSyntheticRateHz / note.release_decay_s);
}

inline double synthetic_rms(const SyntheticNote& note, int sample) {
  return synthetic_amplitude(note, sample) *
         std::sqrt(0.5 *
                   (1.0 + kSecondHarmonic * kSecondHarmonic + kThirdHarmonic * kThirdHarmonic));
}

inline std::vector<float> synthetic_audio(const SyntheticNote& note) {
  std::vector<float> audio(static_cast<std::size_t>(note.samples));
  for (int n = 0; n < note.samples; ++n) {
    const double turn = 2.0 * M_PI * synthetic_hz(note) * n / kSyntheticRateHz;
    audio[static_cast<std::size_t>(n)] = static_cast<float>(
        synthetic_amplitude(note, n) * (std::sin(turn) + kSecondHarmonic * std::sin(2.0 * turn) +
                                        kThirdHarmonic * std::cos(3.0 * turn)));
  }
  return audio;
}

inline CorpusNote corpus_note(const SyntheticNote& note) {
  CorpusNote result;
  result.pitch_semitones = note.pitch_semitones;
  result.samples = note.samples;
  result.release_sample = note.release_sample;
  return result;
}

inline NoteContract synthetic_contract() {
  NoteContract contract;
  contract.sample_rate_hz = kSyntheticRateHz;
  contract.hop_samples = 32;
  contract.harmonics = 3;
  contract.pitch_centres = {48.0F, 60.0F, 72.0F};
  contract.onset_decays_s = {0.01F, 0.1F};
  contract.release_decays_s = {0.02F};
  contract.instruments = {"reed", "string"};
  contract.programs = {71, 24};
  return contract;
}

// Two instruments (one held, one decaying), three velocities a key. Of every seven notes one is for
// tests, with a neighbour, and one for validation.
inline void write_synthetic_corpus(const std::filesystem::path& folder) {
  NoteCorpusWriter writer(folder, kSyntheticRateHz);
  int count = 0;
  for (int instrument = 0; instrument < 2; ++instrument) {
    for (int key = 55; key <= 67; key += 2) {
      for (const int velocity : {40, 80, 120}) {
        SyntheticNote made;
        made.pitch_semitones = static_cast<float>(key);
        made.detune_cents = count % 11 - 5;
        made.amplitude = 0.003 * velocity;
        made.decay_s = instrument == 0 ? 1e9 : 0.15;
        made.release_sample = 1200 + 37 * (count % 9);  // off the hop grid
        CorpusNote note = corpus_note(made);
        note.instrument = instrument;
        note.velocity = velocity;
        note.split = count % 7 == 3   ? Split::test
                     : count % 7 == 5 ? Split::validation
                                      : Split::train;
        const int added = writer.add(note, synthetic_audio(made));
        if (note.split == Split::test) {
          CorpusNote neighbour = note;
          neighbour.velocity = velocity + 5;
          neighbour.is_neighbour = true;
          made.amplitude = 0.003 * neighbour.velocity;
          writer.set_neighbour(added, writer.add(neighbour, synthetic_audio(made)));
        }
        ++count;
      }
    }
  }
  writer.finish({{"reed", 71}, {"string", 24}}, {{"source", "sines"}, {"licence", "CC0-1.0"}});
}

// A configuration that trains in a moment.
inline nlohmann::json synthetic_recipe() {
  return nlohmann::json::parse(R"({
    "name": "sines", "licence": "CC0-1.0",
    "features": {"kind": "notes", "sample_rate": 8000, "hop": 32, "harmonics": 3,
                 "pitch_centres": [48, 60, 72], "pitch_width": 6,
                 "onset_decays_s": [0.01, 0.1], "release_decays_s": [0.02],
                 "instruments": ["reed", "string"], "programs": [71, 24]},
    "network": {"residual_channels": 6, "gate_channels": 5, "skip_channels": 8,
                "head_channels": 8, "taps": 2, "dilations": [1, 2, 4, 8],
                "encoder_channels": [6, 4], "level_channels": [8], "has_level": true,
                "mixture_components": 2},
    "level": {"steps": 20, "batch_rows": 64},
    "training": {"steps": 10, "segments": 3, "segment_samples": 320, "learning_rate": 0.01,
                 "warmup_steps": 2, "validate_every": 5, "validation_batches": 2}
  })");
}

}  // namespace ondes
