// How fast step plans run on a GPU: what the planner picked, samples a second of one lane and of
// batches, and what that is of the device's own rates, measured in the same run.
//
// Used by `ondes bench wavenet --device cuda` and by tests/cuda/bench_step.cpp, which is built where
// little but the engine is: nothing here needs more than engine/, cuda/ and nlohmann-json. Time is
// that of process(): copies to and from the device and waiting are in it. Main thread.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cuda/roofline.h"
#include "engine/plan/step_plan.h"
#include "engine/plan/step_runner.h"

namespace ondes {

struct CudaStepBench {
  std::vector<int> residual{32, 64, 128};
  std::vector<Precision> precisions{Precision::f16, Precision::f32, Precision::i8, Precision::i16};
  std::vector<int> lanes{1, 64, 256, 512, 1024, 4096};
  bool every_variant = false;  // beside the one that the planner picks
  double seconds = 0.3;        // of measuring, for each line
  double budget_s = 0.0;       // no line begins later; 0: no limit
  bool json = false;           // JSON lines on stdout instead of a table
  std::function<StepPlan(int residual)> plan;
  std::function<void()> check_interrupted = [] {};
};

struct CudaStepFigure {
  int residual = 0;
  Precision precision = Precision::f32;
  int lanes = 1;
  double samples_per_s = 0.0;  // of all lanes
  bool picked = true;          // by the planner
};

// Prints on stdout, and returns what it printed. Checks the samples first (integer precisions: the CPU's bytes; others: finite and
// not silent): a wrong answer is an Error{threshold}. Throws Error{no_device} without one.
std::vector<CudaStepFigure> run_cuda_step_bench(const CudaStepBench& bench);

// "device: ...", and its measured rates: the head of every table.
void print_device_rates(const DeviceRates& rates, bool json);

}  // namespace ondes
