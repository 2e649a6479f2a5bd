// How fast block plans run on a GPU: a whole clip in one call and streams of a few frames a call, beside
// what that is of the device's own rates, measured in the same run.
//
// As apps/bench_cuda.h: nothing here needs more than engine/, cuda/ and nlohmann-json, so that
// tests/cuda/bench_block.cpp can be built where little else is. Time is that of process(): copies and
// waiting are in it. Main thread.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cuda/roofline.h"
#include "engine/plan/block_runner.h"

namespace ondes {

struct CudaBlockFigure {
  Precision precision = Precision::f32;
  int block = 0;
  double times_real_time = 0.0;  // of the best call
};

struct CudaBlockBench {
  std::vector<Precision> precisions{Precision::f16, Precision::f32};
  std::vector<int> blocks{0, 16, 4, 1};  // plan frames a call; 0: the whole clip
  int clip_frames = 172;                 // two seconds of HiFi-GAN
  double seconds = 0.5;                  // of measuring, for each line
  bool json = false;                     // JSON lines on stdout instead of a table
  std::function<void()> check_interrupted = [] {};
  std::function<void(const CudaBlockFigure&)> figure = [](const CudaBlockFigure&) {
  };  // of each line
};

void print_cuda_block_head(bool json);

// Prints lines opened by `name` on stdout. Checks the samples first, against the CPU's; faults are as
// in run_cuda_step_bench. Throws Error{no_device} without a device.
void run_cuda_block_bench(const std::string& name,
                          const BlockPlan& plan,
                          const CudaBlockBench& bench,
                          const DeviceRates& rates);

}  // namespace ondes
