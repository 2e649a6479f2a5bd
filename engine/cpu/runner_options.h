// What the CPU runners share at set-up: option checks, names, the instruction set. Set-up thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/harmonic_noise_runner.h"
#include "engine/plan/step_runner.h"

namespace ondes {

// Throws Error{usage} naming the option.
void validate_options(const StepRunnerOptions& options);
// Throws Error{usage} for a precision that needs a GPU, and says what to take instead.
void refuse_on_cpu(Precision precision);

std::string precision_name(Precision precision);

// The last product of a continuous distribution keeps 16 bits in every integer precision: it is a
// hundredth of the work, and it sets the sample's own resolution. Logits of classes need no more
// than the rest.
constexpr Precision output_precision(Precision precision, Distribution distribution) noexcept {
  return precision == Precision::i8 && distribution != Distribution::mu_law_categorical
             ? Precision::i16
             : precision;
}

enum class Isa { scalar, avx2, avx512 };

std::string isa_name(Isa isa);
// What this machine can run, slowest first.
std::vector<Isa> supported_isas();
// ONDES_FORCE_ISA if it is set, else the best. Throws Error{usage} if the forced one is unknown or
// not supported here.
Isa chosen_isa();

// The runner of one instruction set, for tests and benches; make_cpu_step_runner takes
// chosen_isa().
std::unique_ptr<StepRunner> make_cpu_step_runner_for(Isa isa,
                                                     const StepPlan& plan,
                                                     const StepRunnerOptions& options);
std::unique_ptr<LaneRunner> make_cpu_harmonic_noise_runner_for(Isa isa,
                                                               const HarmonicNoisePlan& plan,
                                                               const LaneRunnerOptions& options);

}  // namespace ondes
