// What --force of `ondes eval` may replace: its own earlier outputs and nothing else. Sounds, pitch
// tracks, envelopes and manifests lie in the folders that are measured; no list of them would be
// whole, so that a file is recognised by how it begins.
//
// Set-up thread.
#pragma once
#include <string>
#include <vector>

namespace ondes {

enum class EvalOutputKind { csv, json_lines, report };

struct EvalOutput {
  const char* option;  // "--csv"
  EvalOutputKind kind = EvalOutputKind::csv;
  std::string path;  // "": not asked for
};

// Throws Error{usage} for two outputs of one name, and for an existing file that is not empty and no
// earlier output of the same kind. Devices, pipes and "-" are left alone.
void refuse_other_than_earlier_outputs(const std::vector<EvalOutput>& outputs);

}  // namespace ondes
