#include "engine/plan/harmonic_noise_runner.h"
#include "engine/plan/lane_plan.h"
#include "engine/plan/step_runner.h"

namespace ondes {
namespace {

long long macs_of(const std::vector<DenseOp>& layers) {
  long long macs = 0;
  for (const DenseOp& layer : layers) {
    macs += 1LL * layer.inputs * layer.outputs;
  }
  return macs;
}

}  // namespace

const NotePlan& note_plan(const LanePlan& plan) {
  return std::visit([](const auto& kind) -> const NotePlan& { return kind; }, plan);
}

long long macs_per_sample(const HarmonicNoisePlan& plan) {
  constexpr long long kSineMacs = 6;  // of a partial: its place, five of the sine, its amplitude
  const long long a_row =
      macs_of(plan.controls) + macs_of(plan.detune) + 1LL * plan.noise_taps * plan.noise_bands;
  return a_row / plan.hop_samples + (kSineMacs + 3) * plan.partials + 2LL * plan.noise_taps;
}

long long macs_per_sample(const LanePlan& plan) {
  return std::visit([](const auto& kind) { return macs_per_sample(kind); }, plan);
}

std::unique_ptr<LaneRunner> make_cpu_lane_runner(const LanePlan& plan,
                                                 const LaneRunnerOptions& options) {
  if (const auto* step = std::get_if<StepPlan>(&plan)) {
    return make_cpu_step_runner(*step, options);
  }
  return make_cpu_harmonic_noise_runner(std::get<HarmonicNoisePlan>(plan), options);
}

}  // namespace ondes
