// Makes a note corpus from a SoundFont with FluidSynth (libfluidsynth): dry, no reverb, no chorus.
//
// Every note is synthesised alone at 48 kHz and brought to the corpus rate by soxr, because
// FluidSynth's interpolation does not filter what lies above a lower output rate. Notes start
// exactly at sample 0; releases fall on FluidSynth's 64-frame grid and are recorded as such.
//
// Set-up thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/training/note_corpus.h"

namespace ondes {

struct SoundfontInstrument {
  std::string name;
  int program = 0;
  int lowest_key = 21;
  int highest_key = 108;
};

struct SoundfontCorpusSpec {
  std::filesystem::path soundfont;
  std::string soundfont_licence;
  std::vector<SoundfontInstrument> instruments;
  int sample_rate_hz = 24000;
  double synth_gain = 1.6;  // FluidSynth's synth.gain: how loud the voice will be
  int notes_per_key = 5;    // velocities, stratified over 1..127
  double shortest_s = 0.1;  // held time, drawn log-uniformly
  double longest_s = 3.0;
  double longest_release_s = 1.2;
  double bend_semitones =
      0.6;  // training notes are bent by up to this much, so that pitch is continuous
  double test_share = 0.04;  // of notes, by note
  double validation_share = 0.03;
  std::uint64_t seed = 1;
};

// progress(done, total) is called after every note.
void make_soundfont_corpus(const SoundfontCorpusSpec& spec,
                           const std::filesystem::path& folder,
                           const std::function<void(int, int)>& progress);

}  // namespace ondes
