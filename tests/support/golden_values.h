// Answers of other programs, as the golden scripts write them: lines of a name and its numbers.
#pragma once
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "dsp/audio_file.h"
#include "engine/error.h"

namespace ondes {

inline std::string golden_path(const std::string& relative) {
  return std::string(ONDES_SOURCE_DIR) + "/tests/golden/" + relative;
}

using GoldenValues = std::map<std::string, std::vector<double>>;

// Throws Error{io} if the file is not there, Error{bad_input} for a line without a number.
inline GoldenValues read_golden_values(const std::string& relative) {
  std::ifstream file(golden_path(relative));
  if (!file) {
    throw Error(ErrorCode::io, golden_path(relative) + ": cannot be opened");
  }
  GoldenValues values;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (double value = 0.0; words >> value;) {
      values[name].push_back(value);
    }
    if (values[name].empty() || !words.eof()) {
      throw Error(ErrorCode::bad_input, relative + ": expected a name and numbers, found " + line);
    }
  }
  return values;
}

struct MonoSound {
  int rate_hz = 0;
  std::vector<float> samples;
};

inline MonoSound read_mono(const std::string& path) {
  AudioClip clip = read_audio_file(path);
  if (clip.info.channels != 1) {
    throw Error(ErrorCode::bad_input, path + ": expected one channel");
  }
  return {clip.info.sample_rate_hz, std::move(clip.samples)};
}

}  // namespace ondes
