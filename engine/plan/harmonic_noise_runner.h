// The CPU's runner of harmonic-plus-noise plans, in engine/cpu.
//
// It computes in f32 whatever precision is asked for: its bits are the same on every instruction
// set anyway, and it is cheap. Set-up thread.
#pragma once
#include <memory>

#include "engine/plan/harmonic_noise_plan.h"
#include "engine/plan/lane_runner.h"

namespace ondes {

// Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is.
std::unique_ptr<LaneRunner> make_cpu_harmonic_noise_runner(const HarmonicNoisePlan& plan,
                                                           const LaneRunnerOptions& options);

}  // namespace ondes
