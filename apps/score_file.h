// A score as the programs load it, from a file or from standard input ("-").
#pragma once
#include <string>

#include "engine/score/perform.h"

namespace ondes {

struct Score {
  std::string name;  // as given
  std::string sha256;
  MidiFile midi;
  Performance performance;
};

// Throws Error{io} or Error{bad_input}.
Score load_score(const std::string& path);

}  // namespace ondes
