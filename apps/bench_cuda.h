// How fast step plans run on a GPU: what the planner picked, samples a second of one lane and of
// batches, and what that is of the device's own rates, measured in the same run.
//
// Used by `ondes bench wavenet --device cuda` and by tests/cuda/bench_step.cpp, which is built where
// little but the engine is: nothing here needs more than engine/, cuda/ and nlohmann-json. Time is
// that of process(): copies to and from the device and waiting are in it. Main thread.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cuda/roofline.h"
#include "engine/plan/step_plan.h"
#include "engine/plan/step_runner.h"

namespace ondes {

struct CudaStepFigure {
  int residual = 0;
  Precision precision = Precision::f32;
  int lanes = 1;
  double samples_per_s = 0.0;  // of all lanes
  bool picked = true;          // by the planner
};

// Of a variant by name, or, empty, as the planner picks.
using StepRunnerMaker = std::function<std::unique_ptr<StepRunner>(
    const StepPlan& plan, const StepRunnerOptions& options, const std::string& variant)>;
std::unique_ptr<StepRunner> make_cuda_runner(const StepPlan& plan,
                                             const StepRunnerOptions& options,
                                             const std::string& variant);

struct CudaStepBench {
  std::vector<int> residual{32, 64, 128};
  std::vector<Precision> precisions{Precision::f16, Precision::f32, Precision::i8, Precision::i16};
  std::vector<int> lanes{1, 64, 256, 512, 1024, 4096};
  std::vector<std::string> variants;  // beside the one that the planner picks
  double seconds = 0.3;               // of measuring, for each line
  double budget_s = 0.0;              // no line begins later; 0: no limit
  bool json = false;                  // JSON lines on stdout instead of a table
  std::function<StepPlan(int residual)> plan;
  StepRunnerMaker make_runner = make_cuda_runner;
  std::function<void()> check_interrupted = [] {};
  std::function<void(const CudaStepFigure&)> figure = [](const CudaStepFigure&) {};  // of each line
};

// Prints on stdout. Checks the samples first (integer precisions: the CPU's bytes; others: finite and
// not silent); a precision whose samples are wrong, and a line that fails, is named in place of its
// times, the others are timed, and the first such fault is thrown at the end: Error{threshold}.
void run_cuda_step_bench(const CudaStepBench& bench, const DeviceRates& rates);

// Runs what may fail without ending the rest. throw_first() at the end.
class BenchFaults {
 public:
  // Prints what `work` throws, but lets an interruption through. False if it threw.
  bool guard(const std::function<void()>& work);
  void throw_first() const;  // Error{threshold}, if anything failed

 private:
  std::string first_;
};

// "device: ...", and its measured rates: the head of every table.
void print_device_rates(const DeviceRates& rates, bool json);

}  // namespace ondes
