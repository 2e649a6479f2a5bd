#include "apps/bench_cuda.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "apps/bench_lanes.h"
#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr int kLongestCall = 16384;    // samples of a lane
constexpr int kLargestCall = 1 << 22;  // samples of all lanes

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

StepRunnerOptions options_of(Precision precision, int lanes, int samples) {
  StepRunnerOptions options;
  options.precision = precision;
  options.max_lanes = lanes;
  options.max_block_samples = samples;
  return options;
}

bool is_integer(Precision precision) {
  return precision == Precision::i16 || precision == Precision::i8;
}

// A device that has failed does nothing, very fast, and gives NaN.
void check_finite(const StepRunner& runner, const std::vector<float>& samples) {
  if (!std::all_of(samples.begin(), samples.end(), [](float x) { return std::isfinite(x); })) {
    throw Error(ErrorCode::threshold, runner.description() + ": samples are not finite");
  }
}

void check_answer(const CudaStepBench& bench, const StepPlan& plan, Precision precision) {
  constexpr int kLanes = 2;
  constexpr int kSamples = 300;
  const auto runner = bench.make_runner(plan, options_of(precision, kLanes, kSamples), "");
  LaneLoad load(*runner, plan, kLanes, kSamples);
  load.block();
  const std::vector<float> found = load.last_block();
  float loudest = 0.0F;
  check_finite(*runner, found);
  for (const float sample : found) {
    loudest = std::max(loudest, std::fabs(sample));
  }
  if (loudest == 0.0F) {
    throw Error(ErrorCode::threshold, runner->description() + ": every sample is zero");
  }
  if (is_integer(precision)) {
    const auto judge = make_cpu_step_runner(plan, options_of(precision, kLanes, kSamples));
    LaneLoad expected(*judge, plan, kLanes, kSamples);
    expected.block();
    if (expected.last_block() != found) {
      throw Error(ErrorCode::threshold,
                  runner->description() + ": the samples are not the CPU's, not timed");
    }
  }
}

struct Wanted {
  Precision precision = Precision::f32;
  int lanes = 1;
  std::string variant;  // empty: what the planner picks
};

struct Line {
  int residual = 0;
  int skip = 0;
  Precision precision = Precision::f32;
  int lanes = 1;
  std::string description;
  CallTimes times;
  double samples_per_s = 0.0;  // of all lanes, best
  double median_per_s = 0.0;
  StepCost cost;
};

// Calls long enough that launching and waiting are a small part of them, as a first short one tells,
// and short enough to be repeated.
// Nothing if a variant of `known` descriptions would be timed again: the planner could not take `variant`.
std::optional<Line> measure(const CudaStepBench& bench,
                            const StepPlan& plan,
                            const Wanted& wanted,
                            std::set<std::string>& known) {
  const auto& [precision, lanes, variant] = wanted;
  Line line;
  line.residual = plan.residual_channels;
  line.skip = plan.skip_channels;
  line.precision = precision;
  line.lanes = lanes;
  line.cost = step_cost(plan, precision);
  constexpr int kPilot = 64;
  double sample_s = 0.0;
  {
    const auto runner = bench.make_runner(plan, options_of(precision, lanes, kPilot), variant);
    line.description = runner->description();
    if (!known.insert(line.description).second) {
      return std::nullopt;
    }
    LaneLoad load(*runner, plan, lanes, kPilot);
    sample_s = time_calls([&] { load.block(); }, 0.0).best_s / kPilot;
  }
  const int most = std::clamp(kLargestCall / lanes, kPilot, kLongestCall);
  const int samples = std::clamp(static_cast<int>(bench.seconds / 6.0 / sample_s), kPilot, most);
  const auto runner = bench.make_runner(plan, options_of(precision, lanes, samples), variant);
  LaneLoad load(*runner, plan, lanes, samples);
  line.times = time_calls([&] { load.block(); }, bench.seconds);
  check_finite(*runner, load.last_block());
  const double made = 1.0 * lanes * samples;
  line.samples_per_s = made / line.times.best_s;
  line.median_per_s = made / line.times.median_s;
  return line;
}

void print_head() {
  std::printf("%4s %4s %5s %6s %10s %10s %10s %8s %8s %9s %7s %9s %7s\n", "R", "S", "type", "lanes",
              "k/s", "(median)", "k/s a lane", "MMAC", "KiB", "GMAC/s", "of rate", "GB/s",
              "of copy");
}

void print_line(const Line& line, bool picked, const DeviceRates& rates, bool json) {
  const double macs_per_s = line.samples_per_s * line.cost.macs;
  // Weights once for all lanes: the least that a variant without resident weights reads.
  const double bytes_per_s =
      line.samples_per_s * (line.cost.weight_bytes / line.lanes + line.cost.state_bytes);
  const double rate = rates.macs_per_s(line.precision);
  const std::string precision = precision_name(line.precision);
  if (json) {
    const nlohmann::json object = {{"residual", line.residual},
                                   {"skip", line.skip},
                                   {"precision", precision},
                                   {"lanes", line.lanes},
                                   {"runner", line.description},
                                   {"picked", picked},
                                   {"calls", line.times.calls},
                                   {"samples_per_second_best", line.samples_per_s},
                                   {"samples_per_second_median", line.median_per_s},
                                   {"macs_per_sample", line.cost.macs},
                                   {"weight_bytes", line.cost.weight_bytes},
                                   {"state_bytes_per_lane", line.cost.state_bytes},
                                   {"macs_per_second", macs_per_s},
                                   {"bytes_per_second", bytes_per_s}};
    std::printf("%s\n", object.dump().c_str());
  } else {
    std::printf("%4d %4d %5s %6d %10.1f %10.1f %10.2f %8.3f %8.0f %9.1f %6.1f%% %9.1f %6.1f%%\n",
                line.residual, line.skip, precision.c_str(), line.lanes, 1e-3 * line.samples_per_s,
                1e-3 * line.median_per_s, 1e-3 * line.samples_per_s / line.lanes,
                1e-6 * line.cost.macs, line.cost.weight_bytes / 1024, 1e-9 * macs_per_s,
                rate > 0.0 ? 100.0 * macs_per_s / rate : 0.0, 1e-9 * bytes_per_s,
                100.0 * bytes_per_s / rates.copy_bytes_per_s);
    std::printf("%10s %s%s\n", "", picked ? "picked: " : "beside it: ", line.description.c_str());
  }
  std::fflush(stdout);
}

}  // namespace

void print_device_rates(const DeviceRates& rates, bool json) {
  if (json) {
    const nlohmann::json object = {{"device", cuda_description()},
                                   {"copy_bytes_per_second", rates.copy_bytes_per_s},
                                   {"l2_read_bytes_per_second", rates.l2_read_bytes_per_s},
                                   {"f32_macs_per_second", rates.f32_macs_per_s},
                                   {"f16_macs_per_second", rates.f16_macs_per_s},
                                   {"i16_macs_per_second", rates.i16_macs_per_s},
                                   {"i8_macs_per_second", rates.i8_macs_per_s}};
    std::printf("%s\n", object.dump().c_str());
    return;
  }
  std::printf(
      "device: %s\nmeasured: copy %.0f GB/s, L2 read %.0f GB/s; TMAC/s: f32 %.1f, f16 (mma.sync) "
      "%.1f, i16 %.1f, i8 (dp4a) %.1f\n",
      cuda_description().c_str(), 1e-9 * rates.copy_bytes_per_s, 1e-9 * rates.l2_read_bytes_per_s,
      1e-12 * rates.f32_macs_per_s, 1e-12 * rates.f16_macs_per_s, 1e-12 * rates.i16_macs_per_s,
      1e-12 * rates.i8_macs_per_s);
}

bool BenchFaults::guard(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    std::fflush(stdout);
    std::fprintf(stderr, "WRONG: %s\n", error.what());
    first_ = first_.empty() ? error.what() : first_;
    return false;
  }
}

void BenchFaults::throw_first() const {
  if (!first_.empty()) {
    throw Error(ErrorCode::threshold, first_);
  }
}

std::unique_ptr<StepRunner> make_cuda_runner(const StepPlan& plan,
                                             const StepRunnerOptions& options,
                                             const std::string& variant) {
  return variant.empty() ? make_cuda_step_runner(plan, options)
                         : make_cuda_step_runner(plan, options, variant);
}

void run_cuda_step_bench(const CudaStepBench& bench, const DeviceRates& rates) {
  const double begin = steady_seconds();
  if (!bench.json) {
    print_head();
  }
  std::vector<std::string> variants{""};
  variants.insert(variants.end(), bench.variants.begin(), bench.variants.end());
  BenchFaults faults;
  // False when the time is over.
  const auto time_lanes = [&](const StepPlan& plan, Precision precision, int lanes) {
    bench.check_interrupted();
    if (bench.budget_s > 0.0 && steady_seconds() - begin > bench.budget_s) {
      std::printf("out of time: R %d %s, %d lanes and what follows were not run\n",
                  plan.residual_channels, precision_name(precision).c_str(), lanes);
      return false;
    }
    std::set<std::string> known;
    for (const std::string& variant : variants) {
      faults.guard([&] {
        const std::optional<Line> line = measure(bench, plan, {precision, lanes, variant}, known);
        if (line) {
          print_line(*line, variant.empty(), rates, bench.json);
          bench.figure({line->residual, precision, lanes, line->samples_per_s, variant.empty()});
        }
      });
    }
    return true;
  };
  for (const int residual : bench.residual) {
    const StepPlan plan = bench.plan(residual);
    for (const Precision precision : bench.precisions) {
      if (!faults.guard([&] { check_answer(bench, plan, precision); })) {
        continue;
      }
      for (const int lanes : bench.lanes) {
        if (!time_lanes(plan, precision, lanes)) {
          return faults.throw_first();
        }
      }
    }
  }
  faults.throw_first();
}

}  // namespace ondes
