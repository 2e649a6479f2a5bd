// How fast step plans run here, beside what the machine could do: samples a second for published
// WaveNet sizes, one and many lanes, one and two threads, every precision, against load-only and
// multiply-only passes taken in the same run, and against a cached LibTorch evaluation of the same
// network where ondes-bench-torch is there to give it. On a GPU: apps/bench_cuda.h.
#pragma once
#include <string>
#include <vector>

namespace ondes {

struct BenchOptions {
  std::vector<int> residual_channels{32, 64, 128};
  std::vector<int> lanes{1, 16};
  std::vector<int> threads{1, 2};
  std::vector<std::string> precisions{"f32", "i16", "i8"};  // precision_names.h
  double seconds = 0.4;                                     // of measuring, for each line
  std::string torch_program;   // ondes-bench-torch; empty: no comparison
  bool every_variant = false;  // on a GPU: beside the one that is picked
  bool json = false;           // JSON lines on stdout instead of a table
};

// Prints on stdout. Checks every runner against the reference first: a wrong answer is an
// Error{threshold}. Throws Error{usage} in a debug build, Error{interrupted}
// after a signal.
int run_bench_wavenet(const BenchOptions& options);

// The same networks on a GPU (threads and LibTorch do not count there), in batches of a GPU's size
// unless lanes were asked for. Throws as run_bench_wavenet does, and Error{no_device}.
int run_bench_wavenet_cuda(const BenchOptions& options, bool lanes_asked);

}  // namespace ondes
