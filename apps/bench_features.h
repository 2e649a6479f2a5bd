// `ondes bench features`: what the analyses of dsp/ cost on one thread, each from nothing (tables and
// plans included) to the features of one long recording. Main thread.
//
// Times are those in which the thread had the processor, the least of all passes: other programs
// disturb them little. tests/bench/compare_features.py runs this beside other people's programs.
#pragma once
#include <string>
#include <vector>

namespace ondes {

struct FeatureBenchOptions {
  std::vector<std::string> files;  // mono, of one rate; joined and repeated up to `length_s`
  std::vector<std::string> only;   // names of lines; empty: all
  double length_s = 60.0;
  int passes = 10;
  bool json = false;
};

// Prints a line for each analysis. The last ones compare the first two files. Throws Error.
int run_bench_features(const FeatureBenchOptions& options);

}  // namespace ondes
