// Sounds of a few partials, and `ondes eval` over them as a user runs it.
#pragma once
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>
#include <string>
#include <vector>

#include "dsp/audio_file.h"
#include "tests/support/program.h"

namespace ondes {

inline constexpr int kEvalRateHz = 16000;

struct EvalSound {
  int rate_hz = kEvalRateHz;
  int channels = 1;
  double seconds = 0.8;
  double hz = 220.0;
  double gain = 0.3;
  double brightness = 0.6;  // of each partial, against the one below
  double delay_s = 0.0;     // silence at the start
};

// Eight partials: enough spectrum for cepstra, cheap enough for dozens of files.
inline void write_eval_sound(const std::string& path, const EvalSound& sound) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  AudioFileWriter writer(
      path,
      {.sample_rate_hz = sound.rate_hz, .channels = sound.channels, .format = SampleFormat::pcm24});
  const auto frames = static_cast<int>(sound.seconds * sound.rate_hz);
  std::vector<float> samples;
  for (int n = 0; n < frames; ++n) {
    const double t = static_cast<double>(n) / sound.rate_hz - sound.delay_s;
    double value = 0.0;
    double level = sound.gain;
    for (int k = 1; k <= 8 && t >= 0.0; ++k, level *= sound.brightness) {
      value += level * std::sin(2.0 * std::numbers::pi * sound.hz * k * t + k);
    }
    for (int c = 0; c < sound.channels; ++c) {
      samples.push_back(static_cast<float>(value));
    }
  }
  writer.write({samples.data(), frames, sound.channels});
  writer.finish();
}

// A folder of such sounds, and `ondes eval` to run in it.
struct EvalRig {
  void sound(const std::string& name, const EvalSound& sound = {}) const {
    write_eval_sound(folder.file(name), sound);
  }
  // Folders ref and gen with sounds a, b, c; gen is duller.
  void corpus() const {
    double hz = 180.0;
    for (const std::string name : {"a", "b", "c"}) {
      sound("ref/" + name + ".wav", {.hz = hz});
      sound("gen/" + name + ".wav", {.hz = hz, .brightness = 0.5});
      hz *= 1.2;
    }
  }
  ProgramResult eval(std::vector<std::string> arguments, ProgramOptions options = {}) const {
    arguments.insert(arguments.begin(), "eval");
    return run_built("ondes", arguments, folder, options);
  }
  // The object of --json.
  nlohmann::json summary(std::vector<std::string> arguments, int exit_code = 0) const {
    arguments.push_back("--json");
    const ProgramResult result = eval(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == exit_code);
    return nlohmann::json::parse(result.out);
  }
  std::vector<nlohmann::json> lines(const std::string& name) const {
    std::istringstream text(read_text(folder.file(name)));
    std::vector<nlohmann::json> objects;
    for (std::string line; std::getline(text, line);) {
      objects.push_back(nlohmann::json::parse(line));
    }
    return objects;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder.file(name), std::ios::binary) << text;
  }
  std::string bytes(const std::string& name) const { return read_text(folder.file(name)); }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(folder.path() / name);
  }

  TemporaryFolder folder;
};

inline nlohmann::json metric(const nlohmann::json& summary,
                             const std::string& name,
                             int system = 0) {
  return summary["systems"][static_cast<std::size_t>(system)]["summary"][name];
}

// No number that JSON does not have, and a reason wherever one is missing.
inline void check_pair_line(const nlohmann::json& line) {
  INFO(line.dump());
  for (const auto& [name, value] : line["values"].items()) {
    if (value.is_null()) {
      CHECK((line["unmeasured"].contains(name) || line["failure"].is_string()));
    } else {
      CHECK(std::isfinite(value.get<double>()));
    }
  }
}

}  // namespace ondes
