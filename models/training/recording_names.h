// What the names of recorded notes say: instrument, key, velocity.
//
//   <instrument>_<key>_<velocity>[_anything].wav      flute_C#4_100.wav, flute_61_v100_rr2.flac
//   <instrument>/<key>_<velocity>[_anything].wav      flute/C#4_100.wav
//
// Key: a MIDI note number 0..127, or a note name with C4 = 60 (sharps # or s, flats b, octaves from
// -1). Velocity: 1..127, also as v100 or vel100. Instrument names may hold underscores: the first
// two neighbouring parts that read as key and velocity end them. Any thread.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ondes {

struct RecordedNote {
  std::filesystem::path file;
  std::string instrument;         // empty where the name leaves it to the folder's place
  double pitch_semitones = 60.0;  // MIDI note number of the recording
  int velocity = 64;
};

std::optional<int> key_from_text(std::string_view text);
std::optional<int> velocity_from_text(std::string_view text);

// From a path relative to the folder of recordings. Nothing where the name has another form.
std::optional<RecordedNote> recorded_note_from_name(const std::filesystem::path& relative);

}  // namespace ondes
