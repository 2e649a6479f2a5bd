#include "engine/plan/harmonic_noise_plan.h"

#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& expected, long long found) {
  throw Error(ErrorCode::bad_input, "harmonic-plus-noise plan: " + field + ": expected " +
                                        expected + ", found " + std::to_string(found));
}

void require_in(const std::string& field, long long value, long long low, long long high) {
  if (value < low || value > high) {
    refuse(field, std::to_string(low) + ".." + std::to_string(high), value);
  }
}

void require_ends(const std::string& field,
                  const std::vector<DenseOp>& layers,
                  int inputs,
                  int outputs) {
  if (layers.front().inputs != inputs) {
    refuse(field + ".inputs", std::to_string(inputs), layers.front().inputs);
  }
  if (layers.back().outputs != outputs) {
    refuse(field + ".outputs", std::to_string(outputs), layers.back().outputs);
  }
}

}  // namespace

void validate(const HarmonicNoisePlan& plan) {
  require_in("sample_rate_hz", plan.sample_rate_hz, 1, 1 << 24);
  require_in("hop_samples", plan.hop_samples, 1, 1 << 16);
  require_in("row_features", plan.row_features, 1, 1 << 16);
  require_in("sample_features", plan.sample_features, 1, 1 << 16);
  require_in("partials", plan.partials, 1, 4096);
  require_in("noise_bands", plan.noise_bands, 1, 4096);
  require_in("noise_taps", plan.noise_taps, 2, 1 << 16);
  require_in("noise_taps (even)", plan.noise_taps % 2, 0, 0);
  require_in("controls (layers)", static_cast<long long>(plan.controls.size()), 1, 64);
  require_ends("controls", plan.controls, plan.row_features, plan.partials + plan.noise_bands);
  if (!plan.detune.empty()) {
    require_ends("detune", plan.detune, plan.row_features, plan.partials);
  }
  const long long kernel = static_cast<long long>(plan.noise_taps) * plan.noise_bands;
  if (static_cast<long long>(plan.noise_kernel.size()) != kernel) {
    refuse("noise_kernel", std::to_string(kernel) + " values",
           static_cast<long long>(plan.noise_kernel.size()));
  }
}

}  // namespace ondes
