#include "apps/bench_wavenet.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/bench_ceilings.h"
#include "apps/bench_common.h"
#include "apps/bench_cuda.h"
#include "apps/bench_lanes.h"
#include "apps/bench_peer.h"
#include "apps/bench_shapes.h"
#include "apps/precision_names.h"
#include "cuda/backend.h"
#include "engine/cpu/huge_array.h"
#include "engine/cpu/reference_step_runner.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

// Short enough that many blocks meet no interruption.
constexpr int block_samples(int lanes) {
  return lanes == 1 ? 32 : 8;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Line {
  BenchShape shape;
  Precision precision = Precision::f32;
  int lanes = 1;
  int threads = 1;
  std::string description;
  double best = 0.0;  // lane-samples a second
  double middle = 0.0;
  double bound_best = 0.0;  // the same, if only the bound's work were done
  double bound_middle = 0.0;
  const char* bound = "";
};

void check_answer(const StepPlan& plan, Precision precision, int lanes, int threads) {
  const int block = block_samples(lanes);
  const StepRunnerOptions options{precision, lanes, block, threads};
  const auto runner = make_cpu_step_runner(plan, options);
  ReferenceStepRunner judge(plan, {precision, 2, block, 1});
  LaneLoad fast(*runner, plan, lanes, block);
  LaneLoad slow(judge, plan, std::min(lanes, 2), block);
  fast.block();
  slow.block();
  const std::vector<float> expected = slow.last_block();
  const std::vector<float> found = fast.last_block();
  if (!std::equal(expected.begin(), expected.end(), found.begin())) {
    throw Error(ErrorCode::threshold, "bench: " + runner->description() +
                                          " does not give the reference's samples; not timed");
  }
}

// Work that bounds a line, one call a step of all lanes: loading all weights for one lane,
// multiplying for many.
class Bound {
 public:
  Bound(const CeilingPasses& passes, const StepPlan& plan, const Line& line)
      : passes_(passes), macs_(static_cast<double>(macs_per_sample(plan))) {
    const double weight_bytes =
        line.precision == Precision::f32 ? 4.0 : (line.precision == Precision::i16 ? 2.0 : 1.0);
    load_ = line.lanes == 1;
    precision_ = line.precision;
    if (load_) {
      bytes_ = static_cast<std::size_t>(macs_ * weight_bytes) / 512 * 512;
      memory_.allocate(bytes_);
    }
  }
  const char* name() const { return load_ ? "load" : "multiply"; }
  // Seconds one core would need for one sample of one lane.
  double seconds() const {
    const auto start = Clock::now();
    if (load_) {
      constexpr int kPasses = 8;
      for (int i = 0; i < kPasses; ++i) {
        passes_.load(memory_.data(), bytes_);
      }
      return seconds_since(start) / kPasses;
    }
    constexpr int kRounds = 20000;
    const double macs = precision_ == Precision::f32   ? passes_.multiply_f32(kRounds)
                        : precision_ == Precision::i16 ? passes_.multiply_i16(kRounds)
                                                       : passes_.multiply_i8(kRounds);
    return seconds_since(start) / macs * macs_;
  }

 private:
  const CeilingPasses& passes_;
  double macs_;
  bool load_ = false;
  Precision precision_ = Precision::f32;
  std::size_t bytes_ = 0;
  HugeArray memory_;
};

void measure(const StepPlan& plan, const CeilingPasses& passes, double seconds, Line& line) {
  const int block = block_samples(line.lanes);
  const auto runner = make_cpu_step_runner(plan, {line.precision, line.lanes, block, line.threads});
  line.description = runner->description();
  LaneLoad load(*runner, plan, line.lanes, block);
  const Bound bound(passes, plan, line);
  line.bound = bound.name();
  std::vector<double> times;
  std::vector<double> bounds;
  load.block();
  const auto start = Clock::now();
  while (seconds_since(start) < seconds || times.size() < 5) {
    check_bench_interrupted();
    const auto before = Clock::now();
    load.block();
    times.push_back(seconds_since(before));
    if (times.size() % 4 == 1) {
      bounds.push_back(bound.seconds());
    }
  }
  const double samples = 1.0 * block * line.lanes;
  line.best = samples / *std::min_element(times.begin(), times.end());
  line.middle = samples / median(times);
  line.bound_best = line.threads / *std::min_element(bounds.begin(), bounds.end());
  line.bound_middle = line.threads / median(bounds);
}

// Clock by a chain of dependent additions of one cycle each.
double clock_ghz() {
  double best = 1.0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    constexpr int kChain = 200000;
    unsigned long value = 1;
    const auto start = Clock::now();
    for (int i = 0; i < kChain; ++i) {
      asm volatile("addq $1, %0" : "+r"(value));
    }
    best = std::min(best, seconds_since(start) / kChain);
  }
  return 1e-9 / best;
}

// Samples a second of the cached LibTorch evaluation. Throws Error{io} if the program says nothing.
double torch_samples_per_second(const std::string& program, const BenchShape& shape) {
  BenchPeer peer({program, std::to_string(shape.residual)});
  return peer.answer("samples_per_second").at("samples_per_second").get<double>();
}

void print_head(const BenchOptions& options, Isa isa) {
  const std::string load = line_after("/proc/loadavg", "");
  if (options.json) {
    const nlohmann::json head = {{"cpu", line_after("/proc/cpuinfo", "model name")},
                                 {"isa", isa_name(isa)},
                                 {"clock_ghz", clock_ghz()},
                                 {"load_average", load}};
    fmt::print("{}\n", head.dump());
    return;
  }
  fmt::print("{}, instruction set {}, clock {:.2f} GHz, load average {}\n",
             line_after("/proc/cpuinfo", "model name"), isa_name(isa), clock_ghz(), load);
  fmt::print(
      "A 256, L 20, dilations 1..512 twice, mu-law 256; thousand samples a second of one "
      "lane x lanes\nbound: one lane, loading its weights; many, multiplying; x threads. "
      "best (median) of blocks of {} or {}\n\n",
      block_samples(1), block_samples(2));
  fmt::print("{:>4} {:>4} {:>5} {:>6} {:>8} {:>10} {:>10} {:>9} {:>10} {:>7} {:>8}\n", "R", "S",
             "type", "lanes", "threads", "best k/s", "(median)", "bound", "bound k/s", "ratio",
             "x torch");
}

void print_line(const BenchOptions& options, const Line& line, double torch) {
  const double ratio = line.best / line.bound_best;
  const double times_torch = torch > 0.0 ? line.best / torch : 0.0;
  if (options.json) {
    const nlohmann::json json = {{"residual", line.shape.residual},
                                 {"skip", line.shape.skip},
                                 {"precision", precision_name(line.precision)},
                                 {"lanes", line.lanes},
                                 {"threads", line.threads},
                                 {"runner", line.description},
                                 {"samples_per_second_best", line.best},
                                 {"samples_per_second_median", line.middle},
                                 {"bound", line.bound},
                                 {"bound_samples_per_second_best", line.bound_best},
                                 {"bound_samples_per_second_median", line.bound_middle},
                                 {"torch_samples_per_second", torch}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print(
        "{:>4} {:>4} {:>5} {:>6} {:>8} {:>10.1f} {:>10.1f} {:>9} {:>10.1f} {:>6.0f}% {:>8}\n",
        line.shape.residual, line.shape.skip, precision_name(line.precision), line.lanes,
        line.threads, line.best * 1e-3, line.middle * 1e-3, line.bound, line.bound_best * 1e-3,
        100.0 * ratio, torch > 0.0 ? fmt::format("{:.1f}", times_torch) : "-");
  }
  std::fflush(stdout);
}

}  // namespace

int run_bench_wavenet(const BenchOptions& options) {
#ifndef NDEBUG
  throw Error(ErrorCode::usage, "bench: this is a debug build; its figures would mislead");
#endif
  const Isa isa = chosen_isa();
  const CeilingPasses* passes = ceiling_passes(isa);
  if (passes == nullptr) {
    throw Error(ErrorCode::usage,
                "bench: the scalar reference has no bound to be compared with; unset "
                "ONDES_FORCE_ISA");
  }
  print_head(options, isa);
  for (const int residual : options.residual_channels) {
    const BenchShape shape = bench_shape(residual);
    const StepPlan plan = bench_plan(shape);
    double torch = 0.0;
    if (!options.torch_program.empty()) {
      torch = torch_samples_per_second(options.torch_program, shape);
    }
    for (const std::string& name : options.precisions) {
      for (const int lanes : options.lanes) {
        for (const int threads : options.threads) {
          Line line;
          line.shape = shape;
          line.precision = precision_names().at(name);
          line.lanes = lanes;
          line.threads = threads;
          check_answer(plan, line.precision, lanes, threads);
          measure(plan, *passes, options.seconds, line);
          print_line(options, line, lanes == 1 ? torch : 0.0);
        }
      }
    }
    if (torch > 0.0 && !options.json) {
      fmt::print("{:>4} {:>4} cached LibTorch, one lane, one thread: {:.2f} k/s\n", shape.residual,
                 shape.skip, torch * 1e-3);
    }
  }
  return 0;
}

int run_bench_wavenet_cuda(const BenchOptions& options, bool lanes_asked) {
#ifndef NDEBUG
  throw Error(ErrorCode::usage, "bench: this is a debug build; its figures would mislead");
#endif
  CudaStepBench bench;
  bench.residual = options.residual_channels;
  bench.precisions.clear();
  for (const std::string& name : options.precisions) {
    bench.precisions.push_back(precision_names().at(name));
  }
  if (lanes_asked) {
    bench.lanes = options.lanes;
  }
  bench.seconds = options.seconds;
  if (options.every_variant) {
    bench.variants = cuda_step_variants();
  }
  bench.json = options.json;
  bench.plan = [](int residual) { return bench_plan(bench_shape(residual)); };
  bench.check_interrupted = check_bench_interrupted;
  const DeviceRates rates = measured_device_rates();
  print_device_rates(rates, options.json);
  run_cuda_step_bench(bench, rates);
  return 0;
}

}  // namespace ondes
