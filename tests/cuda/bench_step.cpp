// The step kernels on a GPU that `ondes` itself was not built for (ONDES_CUDA_ONLY): the table of
// apps/bench_cuda.h for networks of random weights, as `ondes bench wavenet --device cuda` prints it,
// and what a sample costs, device or not.
//
//   cuda_bench_step [--budget SECONDS]   the table; no line begins after so many seconds
//   cuda_bench_step --long [SECONDS]     ten minutes of one lane, every byte compared with the CPU's;
//                                        fails if that takes more than so many seconds
//
// Refuses a debug build. Exit status: 0; 1 if an answer is wrong; 2 for a wrong call; 5 without a device.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "apps/bench_cuda.h"
#include "cuda/backend.h"
#include "cuda/roofline.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "tests/cuda/random_step_plan.h"

namespace ondes {
namespace {

#if defined(NDEBUG)
constexpr bool kReleaseBuild = true;
#else
constexpr bool kReleaseBuild = false;
#endif

// The networks of the tables of performance, with what nv-wavenet's perf program has too: mu-law of 256
// classes, embedded input; and conditioning from rows of 80 features.
StepPlan table_plan(int residual) {
  StepShape shape;
  shape.residual = shape.gate = residual;
  shape.skip = residual == 32 ? 128 : 256;
  shape.head = 256;
  shape.distribution = Distribution::mu_law_categorical;
  shape.input = InputKind::embedding;
  shape.choices = 256;
  shape.row_features = 80;
  shape.sample_features = 0;
  shape.dilations.clear();
  for (int l = 0; l < 20; ++l) {
    shape.dilations.push_back(1 << (l % 10));
  }
  return random_step_plan(shape, 1);
}

// What a sample of a lane alone costs, and the bandwidth that 100,000 of them a second ask for.
void print_costs() {
  std::printf("%4s %4s %5s %8s %12s %12s %18s\n", "R", "S", "prec", "MMAC", "KiB weights",
              "KiB state", "GB/s for 100 k/s");
  for (const int residual : {32, 64, 128}) {
    const StepPlan plan = table_plan(residual);
    for (const Precision precision :
         {Precision::f32, Precision::f16, Precision::i16, Precision::i8}) {
      const StepCost cost = step_cost(plan, precision);
      std::printf("%4d %4d %5s %8.3f %12.0f %12.1f %18.0f\n", residual, plan.skip_channels,
                  precision_name(precision).c_str(), cost.macs * 1e-6, cost.weight_bytes / 1024,
                  cost.state_bytes / 1024, 1e5 * (cost.weight_bytes + cost.state_bytes) * 1e-9);
    }
  }
}

// `figure NAME VALUE` for cuda/check_on_gpu, of R 64 as the planner has it: one lane, the best batch, and the most lanes that
// were made at 24,000 samples a second each.
void print_figures(const std::vector<CudaStepFigure>& figures) {
  constexpr double kRateHz = 24000.0;
  std::map<Precision, std::map<std::string, double>> best;
  for (const CudaStepFigure& figure : figures) {
    if (figure.residual != 64 || !figure.picked) {
      continue;
    }
    const auto raise = [&](const std::string& name, double value) {
      double& most = best[figure.precision][name];
      most = std::max(most, value);
    };
    if (figure.lanes == 1) {
      raise("one_lane", figure.samples_per_s);
    }
    raise("best_batch", figure.samples_per_s);
    if (figure.samples_per_s >= kRateHz * figure.lanes) {
      raise("lanes_at_24k", figure.lanes);
    }
  }
  for (const auto& [precision, names] : best) {
    for (const auto& [name, value] : names) {
      std::printf("figure step.%s.%s %.0f\n", precision_name(precision).c_str(), name.c_str(),
                  value);
    }
  }
}

// Ten minutes at 24 kHz of a small network in i8, a second a call: every byte is the CPU's, which makes
// the same second meanwhile. Ends early, and says so, when the time is over.
int run_long(double budget_s) {
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
  const auto begin = std::chrono::steady_clock::now();
  int second = 0;
  for (; second < kSeconds; ++second) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    if (spent.count() > budget_s) {
      break;
    }
    StepLane lane;
    lane.first_sample = std::int64_t{kRateHz} * second;
    lane.rows = ConstFrames(row.data(), 1, plan.row_features);
    lane.row_starts = starts;
    lane.sample_features = ConstFrames(features.data(), kRateHz, plan.sample_features);
    StepLane judged = lane;
    judged.output = expected;
    auto judge = std::async(std::launch::async, [&] { cpu->process({&judged, 1}, kRateHz); });
    lane.output = made;
    cuda->process({&lane, 1}, kRateHz);
    judge.wait();
    if (made != expected) {
      std::printf("ten minutes: differs from the CPU in second %d\n", second);
      return 1;
    }
  }
  std::printf("ten minutes: %d samples, every one the CPU's%s\n", kRateHz * second,
              second < kSeconds ? "; not ten minutes, for want of time" : "");
  return second < kSeconds ? 1 : 0;
}

// The network that matters most in every variant, then the others as the planner would have them.
void run_table(double budget_s) {
  const DeviceRates rates = measured_device_rates();
  print_device_rates(rates, false);
  BenchFaults faults;
  std::vector<CudaStepFigure> figures;
  CudaStepBench bench;
  bench.plan = table_plan;
  bench.seconds = 0.15;
  bench.budget_s = 0.75 * budget_s;
  bench.residual = {64};
  bench.variants = cuda_step_variants();
  bench.figure = [&](const CudaStepFigure& figure) { figures.push_back(figure); };
  faults.guard([&] { run_cuda_step_bench(bench, rates); });
  print_figures(figures);
  bench.budget_s = 0.25 * budget_s;
  bench.residual = {32, 128};
  bench.variants.clear();
  bench.lanes = {1, 256};
  faults.guard([&] { run_cuda_step_bench(bench, rates); });
  faults.throw_first();
}

}  // namespace
}  // namespace ondes

int main(int argc, char** argv) {
  if (!ondes::kReleaseBuild) {
    std::fputs("bench_step: a debug build's times say nothing\n", stderr);
    return 2;
  }
  const std::string option = argc > 1 ? argv[1] : "";
  const double number = argc > 2 ? std::atof(argv[2]) : 0.0;
  const bool known = option.empty() || option == "--long" || (option == "--budget" && argc == 3);
  if (!known || argc > 3) {
    std::fputs("bench_step: see the top of tests/cuda/bench_step.cpp\n", stderr);
    return 2;
  }
  try {
    if (option == "--long") {
      return ondes::run_long(number > 0.0 ? number : 1e9);
    }
    ondes::print_costs();
    if (!ondes::cuda_available()) {
      std::fprintf(stderr, "bench_step: %s\n", ondes::cuda_description().c_str());
      return 5;
    }
    ondes::run_table(number);
  } catch (const ondes::Error& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return error.code() == ondes::ErrorCode::no_device ? 5 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return 1;
  }
  return 0;
}
