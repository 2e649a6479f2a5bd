// Reads an SFZ instrument as a list of recorded notes (https://sfzformat.com).
//
// A region gives its sample, its pitch (pitch_keycenter, else key; less `tune` cents, because a
// sample that needs tuning up is flat) and the middle of its velocity range. Headers inherit:
// <global>, <master>, <group>, <region>; `default_path` of <control> goes in front of every sample.
// A sample that several regions use is one recording: the first counts. Opcodes it does not know
// are listed and ignored. Set-up thread.
#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "models/training/recording_names.h"

namespace ondes {

struct SfzFile {
  std::vector<RecordedNote> notes;  // instrument empty; `file` relative to the .sfz's folder
  struct LeftOut {
    std::string region;  // its sample, or its line
    std::string reason;
  };
  std::vector<LeftOut> left_out;
  std::set<std::string> ignored;  // opcodes, headers and directives without effect here
};

SfzFile parse_sfz(const std::string& text);
// Throws Error{io} if it cannot be read, Error{bad_input} if it is no text of sensible size.
SfzFile read_sfz(const std::filesystem::path& path);

}  // namespace ondes
