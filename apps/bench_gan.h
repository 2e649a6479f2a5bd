// How fast the generators of the HiFi-GAN family run here: the published variants with random
// weights, a whole clip at once and in blocks of a few frames, beside a multiply-only pass taken in
// the same run, and in turns with LibTorch and ONNX Runtime on the same weights where they are there.
#pragma once
#include <string>
#include <vector>

namespace ondes {

struct GanBenchOptions {
  std::vector<int> variants{1, 3};
  std::vector<int> threads{1, 2};
  std::vector<int> blocks{0, 16, 4, 1};  // plan frames a call; 0: the whole clip
  std::vector<std::string> precisions{"f32", "i8"};
  int clip_frames = 172;      // two seconds at 22.05 kHz
  double seconds = 2.0;       // of measuring, for each line
  std::string torch_program;  // ondes-bench-torch; empty: no comparison
  std::string onnx_python;    // a Python with onnxruntime and onnx; empty: no comparison
  std::string onnx_script;    // bench_onnx.py
  // Time in which the thread had the processor instead of the time that passed: a figure that other
  // programs disturb less. One thread only.
  bool cpu_time = false;
  bool json = false;
};

// Prints on stdout. Checks every runner against the judge, and what others make of the clip, first:
// a wrong answer is an Error{threshold}. Throws Error{usage} in a debug build, Error{interrupted}
// after a signal.
int run_bench_gan(const GanBenchOptions& options);

// The same generators on a GPU (threads and other libraries do not count there), in the precisions
// that its kernels have unless some were asked for: apps/bench_cuda_blocks.h. Throws as run_bench_gan
// does, and Error{no_device}.
int run_bench_gan_cuda(const GanBenchOptions& options, bool precisions_asked);

}  // namespace ondes
