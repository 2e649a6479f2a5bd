// The built `ondes` with what a command needs: a small voice whose notes end soon, and scores.
#pragma once
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/score/midi_writer.h"
#include "tests/support/program.h"
#include "tests/support/small_voice.h"

namespace ondes {

inline void write_bytes(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

// small_voice.h with a level network of one layer: ln amplitude 0 while held, then from -1 down to
// -9 with the release's decay of 50 ms: silent after a fifth of a second.
inline std::vector<std::byte> short_release_voice(std::uint64_t seed = 1) {
  WavenetConfig config = small_config();
  config.level_channels.clear();
  const NoteContract contract = small_contract();
  auto tensors =
      random_wavenet_tensors(config, contract.row_features(), contract.sample_features(), seed);
  // pitch, 2 bands, velocity, gate, 2 onset decays, release decay, 2 instruments
  const std::vector<float> weights{0, 0, 0, 0, 9, 0, 0, 8, 0, 0};
  const std::vector<float> bias{-9};
  tensors["level.0.weight"] = tensor_from_floats(weights, {1, 10});
  tensors["level.0.bias"] = tensor_from_floats(bias, {1});
  return write_voice(small_description(config, contract), tensors);
}

// `seconds` of eighth notes at 120 a minute, four notes at a time, two channels, pedal and bend.
inline std::vector<std::byte> test_score(int seconds, int first_key = 60) {
  MidiWriter writer(480, "test score");
  const int track = writer.add_track("two hands");
  writer.program(track, 0, 0, 0);
  writer.program(track, 0, 1, 40);  // a violin, which the voice lacks
  writer.control(track, 0, 1, 10, 100);
  writer.control(track, 480, 0, 64, 127);
  writer.control(track, 900, 0, 64, 0);
  writer.bend(track, 700, 1, 2000);
  for (int i = 0; i < 4 * seconds; ++i) {
    const int key = first_key + i % 12;
    writer.note(track, 240 * i, 200, 0, key, 90);
    writer.note(track, 240 * i, 230, 0, key + 4, 70);
    writer.note(track, 240 * i, 100, 1, key - 12, 100);
    writer.note(track, 240 * i + 60, 150, 1, key + 7, 60);
  }
  writer.note(track, 0, 100, 9, 38, 100);  // a drum
  return writer.bytes();
}

// A folder with voice.safetensors and score.mid, and `ondes` to run in it.
struct OndesRig {
  OndesRig() {
    write_bytes(folder.file("voice.safetensors"), short_release_voice());
    write_bytes(folder.file("score.mid"), test_score(2));
  }
  ProgramResult run(const std::vector<std::string>& arguments, ProgramOptions options = {}) const {
    options.environment.insert(options.environment.begin(),
                               {"ONDES_VOICES", folder.path().string()});
    return run_built("ondes", arguments, folder, options);
  }
  // render score.mid -o `output` --voice voice, and what else.
  ProgramResult render(const std::string& output,
                       const std::vector<std::string>& more = {},
                       const ProgramOptions& options = {}) const {
    std::vector<std::string> arguments{"render", "score.mid", "-o", output, "--voice", "voice"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, options);
  }
  std::string bytes(const std::string& name) const { return read_text(folder.file(name)); }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(folder.path() / name);
  }

  TemporaryFolder folder;
};

}  // namespace ondes
