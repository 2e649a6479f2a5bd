#include "apps/bench_roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/bench_cuda.h"
#include "apps/bench_shapes.h"
#include "cuda/roofline.h"
#include "engine/cpu/runner_options.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::array kStepPrecisions{Precision::f32, Precision::f16, Precision::i16, Precision::i8};

// Samples a second of so many lanes, if nothing but this limited them.
struct StepBound {
  double by_copy = 0.0;  // weights from the device's memory, once a sample of all lanes
  double by_rate = 0.0;
};

StepBound bound_of(const StepCost& cost, Precision precision, int lanes, const DeviceRates& rates) {
  StepBound bound;
  bound.by_copy = lanes * rates.copy_bytes_per_s / (cost.weight_bytes + lanes * cost.state_bytes);
  bound.by_rate = rates.macs_per_s(precision) / cost.macs;
  return bound;
}

void print_steps(const RooflineOptions& options, const std::optional<DeviceRates>& rates) {
  if (!options.json) {
    fmt::print(
        "WaveNet, A 256, L 20, dilations 1..512 twice, mu-law 256; a sample (the last layer hands "
        "nothing on: R x R less than L R (5 R + S) + A S + A A):\n");
    fmt::print("{:>4} {:>4} {:>5} {:>9} {:>12} {:>12} {:>13}", "R", "S", "type", "MAC",
               "weights MB", "state KiB", "MAC/byte (1)");
    fmt::print("{}\n", rates ? fmt::format(" {:>12} {:>12} {:>14}", "copy (1) k/s", "copy (256)",
                                           "rate k/s")
                             : "");
  }
  for (const int residual : {32, 64, 128}) {
    const BenchShape shape = bench_shape(residual);
    const StepPlan plan = bench_plan(shape);
    for (const Precision precision : kStepPrecisions) {
      const StepCost cost = step_cost(plan, precision);
      const double bytes = cost.weight_bytes + cost.state_bytes;
      nlohmann::json json = {{"network", "wavenet"},
                             {"residual", shape.residual},
                             {"skip", shape.skip},
                             {"precision", precision_name(precision)},
                             {"macs_per_sample", cost.macs},
                             {"weight_bytes", cost.weight_bytes},
                             {"state_bytes", cost.state_bytes}};
      std::string line =
          fmt::format("{:>4} {:>4} {:>5} {:>9.0f} {:>12.2f} {:>12.1f} {:>13.2f}", shape.residual,
                      shape.skip, precision_name(precision), cost.macs, 1e-6 * cost.weight_bytes,
                      cost.state_bytes / 1024, cost.macs / bytes);
      if (rates) {
        const StepBound one = bound_of(cost, precision, 1, *rates);
        const StepBound many = bound_of(cost, precision, 256, *rates);
        json["copy_bound_one_lane"] = one.by_copy;
        json["copy_bound_256_lanes"] = many.by_copy;
        json["rate_bound"] = one.by_rate;
        line += fmt::format(" {:>12.1f} {:>12.1f} {:>14.1f}", 1e-3 * one.by_copy,
                            1e-3 * many.by_copy, 1e-3 * one.by_rate);
      }
      fmt::print("{}\n", options.json ? json.dump() : line);
    }
  }
}

void print_blocks(const RooflineOptions& options, const std::optional<DeviceRates>& rates) {
  if (!options.json) {
    fmt::print(
        "\nHiFi-GAN at 22.05 kHz; a second of sound, values in f32 (each written once, read "
        "once by each operation that takes it):\n");
    fmt::print("{:>4} {:>11} {:>8} {:>11} {:>11} {:>14}", "V", "parameters", "GMAC", "written MB",
               "read MB", "MAC/byte");
    fmt::print(
        "{}\n",
        rates ? fmt::format(" {:>12} {:>10} {:>10}", "copy x real", "f32 rate", "f16 rate") : "");
  }
  for (const int variant : {1, 2, 3}) {
    const BlockPlan plan = random_hifigan(hifigan_variant(variant), kSeed);
    const BlockCost cost = block_cost(plan);
    const double frames_per_s = 1.0 * plan.sample_rate_hz / hifigan_variant(variant).hop_samples();
    const double macs = cost.macs * frames_per_s;
    const double written = 4.0 * cost.values_written * frames_per_s;
    const double read = 4.0 * cost.values_read * frames_per_s;
    nlohmann::json json = {{"network", "hifigan"},
                           {"variant", variant},
                           {"parameters", cost.parameters},
                           {"macs_per_second", macs},
                           {"bytes_written_per_second", written},
                           {"bytes_read_per_second", read}};
    std::string line = fmt::format("{:>4} {:>11.0f} {:>8.3f} {:>11.1f} {:>11.1f} {:>14.1f}",
                                   variant, cost.parameters, 1e-9 * macs, 1e-6 * written,
                                   1e-6 * read, macs / (written + read));
    if (rates) {
      const double copy = rates->copy_bytes_per_s / (written + read);
      json["copy_bound"] = copy;
      json["f32_bound"] = rates->f32_macs_per_s / macs;
      json["f16_bound"] = rates->f16_macs_per_s / macs;
      line += fmt::format(" {:>12.0f} {:>10.0f} {:>10.0f}", copy, rates->f32_macs_per_s / macs,
                          rates->f16_macs_per_s / macs);
    }
    fmt::print("{}\n", options.json ? json.dump() : line);
  }
}

}  // namespace

int run_bench_roofline(const RooflineOptions& options) {
  std::optional<DeviceRates> rates;
  if (options.cuda) {
    rates = measured_device_rates();
    print_device_rates(*rates, options.json);
  }
  print_steps(options, rates);
  print_blocks(options, rates);
  return 0;
}

}  // namespace ondes
