// The directions of includes: the table of the design, as a pure function over a tree.
//
//   dsp     -> dsp, and the vocabulary headers engine/{error,realtime,views}.h (std only)
//   engine  -> engine
//   models  -> models, engine, dsp; LibTorch in files *_torch.* and in models/training/ only
//   cuda    -> cuda, engine
//   apps    -> everything that ships (not tests)
//   tests   -> everything
//   samples -> holds no code
//
// Further: own headers are included in quotes by their path from the root and exist; nothing of
// ours is included in angle brackets; a header *_internal.h is included from its own folder only;
// Catch2 stays in tests/, CLI11 in apps/, the CUDA toolkit in cuda/.
#pragma once
#include <string>
#include <vector>

#include "tests/house/source_tree.h"

namespace ondes::house {

// One line a finding: "path:line: what is wrong". Empty if the tree keeps the rules.
std::vector<std::string> include_violations(const std::vector<SourceFile>& files);

}  // namespace ondes::house
