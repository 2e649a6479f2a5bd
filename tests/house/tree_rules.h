// What else holds for the tree as a whole. Each rule is a pure function over the files, so that it
// can be fed a bad tree; each returns one line a finding, none if the rule is kept.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "tests/house/source_tree.h"

namespace ondes::house {

// Every .cpp and .cu is named in a CMakeLists.txt, and every one named there exists. A test_*.cpp
// has to stand in an ondes_test-like call (so that ctest runs it), a fuzz_*.cpp in an
// ondes_fuzz_target.
std::vector<std::string> registration_findings(const std::vector<SourceFile>& files);

// Every folder that holds files has a README.md. Folders below a corpus/ are data a fuzzer reads
// whole, and need none.
std::vector<std::string> readme_findings(const std::vector<SourceFile>& files);

// No file, text or binary, names a place of somebody's machine.
std::vector<std::string> machine_path_findings(const std::vector<SourceFile>& files);

struct SampleLimits {
  std::size_t file_bytes = 0;   // each file stays below
  std::size_t total_bytes = 0;  // all together stay below
};
// Sizes under samples/, and the README.md of each folder with samples names their licence.
std::vector<std::string> sample_findings(const std::vector<SourceFile>& files,
                                         const SampleLimits& limits);

}  // namespace ondes::house
