// Times the step kernels on a GPU: one lane, and batches. Checks the answer first (i8 and i16: the
// CPU's bytes; f32: finite), refuses a debug build, prints one table of medians of five runs, and the
// roofline beside it. Time is that of process(): copies to and from the device and waiting are in it.
// With --long: ten minutes of one lane, compared with the CPU byte by byte.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "cuda/backend.h"
#include "cuda/roofline.h"
#include "engine/cpu/runner_options.h"
#include "tests/cuda/random_step_plan.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

#if defined(NDEBUG)
constexpr bool kReleaseBuild = true;
#else
constexpr bool kReleaseBuild = false;
#endif

constexpr int kRuns = 5;

// R, S of the tables of performance; A 256, L 20, dilations 1..512 twice, 10 logistics.
StepShape table_shape(int residual, int skip) {
  StepShape shape;
  shape.residual = shape.gate = residual;
  shape.skip = skip;
  shape.head = 256;
  shape.choices = 10;
  shape.row_features = 80;
  shape.sample_features = 0;
  shape.dilations.clear();
  for (int l = 0; l < 20; ++l) {
    shape.dilations.push_back(1 << (l % 10));
  }
  return shape;
}

void check_answer(const StepPlan& plan, Precision precision) {
  StepRunnerOptions options;
  options.precision = precision;
  const RunnerRig rig(plan);
  const std::vector<RigLane> lanes{{0, 1, 1.0F, {}}, {1, 2, 0.5F, {}}};
  const auto cuda = rig.run(*make_cuda_step_runner(plan, options), lanes, 200, 128);
  const auto cpu = rig.run(*make_cpu_step_runner(plan, options), lanes, 200, 128);
  for (const float sample : cuda[0].output) {
    if (!std::isfinite(sample)) {
      throw std::runtime_error("the kernel's samples are not finite");
    }
  }
  if (precision != Precision::f32 && cuda != cpu) {
    throw std::runtime_error("the kernel's bytes are not the CPU's");
  }
}

// Median seconds of making `samples` samples of `count` lanes.
double seconds_of(const StepPlan& plan, Precision precision, int count, int samples) {
  StepRunnerOptions options;
  options.precision = precision;
  options.max_lanes = count;
  options.max_block_samples = samples;
  const auto runner = make_cuda_step_runner(plan, options);
  const RunnerRig rig(plan);
  std::vector<RigLane> lanes;
  for (int i = 0; i < count; ++i) {
    lanes.push_back({i, static_cast<std::uint64_t>(i), 1.0F, {}});
  }
  // The rig's conditioning costs more than the kernels: lanes are handed over without it.
  const std::vector<float> row(static_cast<std::size_t>(plan.row_features), 0.1F);
  const std::vector<int> starts{0};
  std::vector<float> output(static_cast<std::size_t>(count) * static_cast<std::size_t>(samples));
  std::vector<StepLane> calls(static_cast<std::size_t>(count));
  std::vector<double> times;
  for (int run = 0; run <= kRuns; ++run) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      runner->start(static_cast<int>(i));
      calls[i].slot = static_cast<int>(i);
      calls[i].identity = i;
      calls[i].rows = ConstFrames(row.data(), 1, plan.row_features);
      calls[i].row_starts = starts;
      calls[i].output = std::span<float>(output).subspan(i * static_cast<std::size_t>(samples),
                                                         static_cast<std::size_t>(samples));
    }
    const auto begin = std::chrono::steady_clock::now();
    runner->process(calls, samples);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    if (run > 0) {  // the first one warms up
      times.push_back(time.count());
    }
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// What a sample of a lane alone costs, and the bandwidth that 100,000 of them a second ask for.
void print_costs() {
  std::printf("%4s %4s %5s %8s %12s %12s %18s\n", "R", "S", "prec", "MMAC", "KiB weights",
              "KiB state", "GB/s for 100 k/s");
  for (const auto& [residual, skip] : {std::pair{32, 128}, {64, 256}, {128, 256}}) {
    const StepPlan plan = random_step_plan(table_shape(residual, skip), 1);
    for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
      const StepCost cost = step_cost(plan, precision);
      std::printf("%4d %4d %5s %8.3f %12.0f %12.1f %18.0f\n", residual, skip,
                  precision_name(precision).c_str(), cost.macs * 1e-6, cost.weight_bytes / 1024,
                  cost.state_bytes / 1024, 1e5 * (cost.weight_bytes + cost.state_bytes) * 1e-9);
    }
  }
}

// Ten minutes at 24 kHz of a small network in i8, a second a call: every byte is the CPU's.
int run_long() {
  StepShape shape;
  shape.residual = shape.gate = 16;
  shape.dilations = {1, 2, 4, 8, 16, 512};
  const StepPlan plan = random_step_plan(shape, 2);
  constexpr int kRateHz = 24000;
  constexpr int kSeconds = 600;
  StepRunnerOptions options;
  options.precision = Precision::i8;
  options.max_lanes = 1;
  options.max_block_samples = kRateHz;
  const auto cuda = make_cuda_step_runner(plan, options);
  const auto cpu = make_cpu_step_runner(plan, options);
  std::vector<float> made(kRateHz);
  std::vector<float> expected(kRateHz);
  const std::vector<float> features(
      static_cast<std::size_t>(kRateHz) * static_cast<std::size_t>(plan.sample_features), 0.1F);
  const std::vector<float> row(static_cast<std::size_t>(plan.row_features), 0.1F);
  const std::vector<int> starts{0};
  cuda->start(0);
  cpu->start(0);
  for (int second = 0; second < kSeconds; ++second) {
    StepLane lane;
    lane.first_sample = std::int64_t{kRateHz} * second;
    lane.rows = ConstFrames(row.data(), 1, plan.row_features);
    lane.row_starts = starts;
    lane.sample_features = ConstFrames(features.data(), kRateHz, plan.sample_features);
    lane.output = made;
    cuda->process({&lane, 1}, kRateHz);
    lane.output = expected;
    cpu->process({&lane, 1}, kRateHz);
    if (made != expected) {
      std::printf("ten minutes: differs from the CPU in second %d\n", second);
      return 1;
    }
  }
  std::printf("ten minutes: %d samples, every one the CPU's\n", kRateHz * kSeconds);
  return 0;
}

void run_table() {
  const double bandwidth = measured_copy_bytes_per_s();
  std::printf("device: %s\ncopy: %.0f GB/s read and written\n", cuda_description().c_str(),
              bandwidth * 1e-9);
  std::printf("%4s %4s %5s %6s %12s %12s %10s %10s %14s\n", "R", "S", "prec", "lanes", "samples/s",
              "a lane", "KiB/sample", "MMAC", "bound, 1 block");
  for (const auto& [residual, skip] : {std::pair{32, 128}, {64, 256}, {128, 256}}) {
    const StepPlan plan = random_step_plan(table_shape(residual, skip), 1);
    for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
      check_answer(plan, precision);
      const StepCost cost = step_cost(plan, precision);
      for (const int lanes :
           residual == 64 ? std::vector<int>{1, 128, 512, 1024, 4096} : std::vector<int>{1, 512}) {
        const int samples = lanes == 1 ? 16384 : (lanes <= 512 ? 2048 : 512);
        const double seconds = seconds_of(plan, precision, lanes, samples);
        std::printf("%4d %4d %5s %6d %12.0f %12.0f %10.0f %10.3f %14.0f\n", residual, skip,
                    precision_name(precision).c_str(), lanes, lanes * samples / seconds,
                    samples / seconds, cost.weight_bytes / 1024, cost.macs * 1e-6,
                    bandwidth / (cost.weight_bytes + cost.state_bytes));
        std::fflush(stdout);
      }
    }
  }
}

}  // namespace
}  // namespace ondes

int main(int argc, char** argv) {
  if (!ondes::kReleaseBuild) {
    std::fputs("bench_step: a debug build's times say nothing\n", stderr);
    return 2;
  }
  ondes::print_costs();
  if (!ondes::cuda_available()) {
    std::fprintf(stderr, "bench_step: %s\n", ondes::cuda_description().c_str());
    return 5;
  }
  try {
    if (argc > 1 && std::string(argv[1]) == "--long") {
      return ondes::run_long();
    }
    ondes::run_table();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return 1;
  }
  return 0;
}
