// `ondes bench voice`: what a note voice costs when it is played, through the same synth as render
// and play. Main thread.
#pragma once
#include <string>
#include <vector>

namespace ondes {

struct VoiceBenchOptions {
  std::string voice;  // name or file; empty: the default one
  std::vector<int> lanes = {1, 4, 16};
  std::vector<int> threads = {1, 2};
  std::vector<std::string> precisions = {"f32"};
  int block_frames = 256;
  double seconds = 4.0;  // of audio a line
  bool cuda = false;     // on the GPU, where threads do not count
  bool json = false;
};

// Prints a line for each combination. Throws Error. Returns the exit code.
int run_bench_voice(const VoiceBenchOptions& options);

}  // namespace ondes
