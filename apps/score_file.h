// A score as the programs load it (apps/input_file.h has standard input).
#pragma once
#include <string>

#include "engine/score/perform.h"

namespace ondes {

struct Score {
  std::string name;  // the path it was loaded from, unless the caller says otherwise
  std::string sha256;
  MidiFile midi;
  Performance performance;
};

// Throws Error{io} or Error{bad_input}.
Score load_score(const std::string& path);

}  // namespace ondes
