// A corpus of isolated notes on disk: what a note voice is trained from and judged by.
//
// A folder with `corpus.json` (rate, instruments, provenance, one entry a note) and `audio.f32`
// (all notes end to end, mono float32, machine byte order, each from its onset on). Training never
// sees whole pieces: a voice learns isolated notes, and polyphony is a batch of them.
//
// Both are written under their names only when complete (engine/files/atomic_file.h), corpus.json
// last. Set-up thread. Throws Error naming file and field.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/files/atomic_file.h"

namespace ondes {

enum class Split { train, validation, test };

struct CorpusNote {
  int instrument = 0;
  float pitch_semitones = 60.0F;  // nominal, with the bend it was played with
  int velocity = 64;              // 1..127
  std::int64_t first_sample = 0;  // in audio.f32
  int samples = 0;
  int release_sample = 0;  // from the note's onset
  Split split = Split::train;
  // A test note's recorded neighbour: same pitch and length, velocity a small step away. It is the
  // yardstick of the spectral figures and is never trained on. -1: none.
  int neighbour = -1;
  bool is_neighbour = false;
};

struct CorpusInstrument {
  std::string name;
  int program = 0;  // General MIDI, 0-based
};

struct NoteCorpus {
  int sample_rate_hz = 0;
  std::vector<CorpusInstrument> instruments;
  std::vector<CorpusNote> notes;
  nlohmann::json provenance;  // source, licence, how it was made

  std::span<const float> audio(const CorpusNote& note) const {
    return samples.subspan(static_cast<std::size_t>(note.first_sample),
                           static_cast<std::size_t>(note.samples));
  }
  std::span<const float> samples;       // audio.f32, mapped
  std::shared_ptr<const void> storage;  // the mapping
};

NoteCorpus open_note_corpus(const std::filesystem::path& folder);

// Writes a corpus; the folder appears complete or its corpus.json not at all.
class NoteCorpusWriter {
 public:
  NoteCorpusWriter(const std::filesystem::path& folder, int sample_rate_hz);
  // Fills in first_sample and samples; returns the note's index.
  int add(CorpusNote note, std::span<const float> audio);
  // A note already added, for what is known only later; until finish(). Its place in audio.f32 stays.
  CorpusNote& note(int index) { return notes_.at(static_cast<std::size_t>(index)); }
  void set_neighbour(int note, int neighbour) {
    notes_.at(static_cast<std::size_t>(note)).neighbour = neighbour;
  }
  void finish(const std::vector<CorpusInstrument>& instruments, const nlohmann::json& provenance);

 private:
  std::filesystem::path folder_;
  int sample_rate_hz_;
  AtomicFileWriter audio_;
  std::int64_t written_ = 0;
  std::vector<CorpusNote> notes_;
};

}  // namespace ondes
