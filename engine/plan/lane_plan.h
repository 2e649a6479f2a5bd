// A plan that plays notes, of whichever kind, and its CPU runner. Set-up thread.
#pragma once
#include <memory>
#include <variant>

#include "engine/plan/harmonic_noise_plan.h"
#include "engine/plan/lane_runner.h"
#include "engine/plan/step_plan.h"

namespace ondes {

using LanePlan = std::variant<StepPlan, HarmonicNoisePlan>;

const NotePlan& note_plan(const LanePlan& plan);

// Multiplications with accumulation for one sample of one lane, with what is done once a row
// divided over its hop.
long long macs_per_sample(const HarmonicNoisePlan& plan);
long long macs_per_sample(const LanePlan& plan);

// Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is.
std::unique_ptr<LaneRunner> make_cpu_lane_runner(const LanePlan& plan,
                                                 const LaneRunnerOptions& options);

}  // namespace ondes
