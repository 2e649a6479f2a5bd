// What the CPU runners share at set-up: option checks, names, the instruction set. Set-up thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/step_runner.h"

namespace ondes {

// Throws Error{usage} naming the option.
void validate_options(const StepRunnerOptions& options);

std::string precision_name(Precision precision);

// The last product keeps 16 bits in every integer precision: it is a hundredth of the work, and it
// sets the sample's own resolution.
constexpr Precision output_precision(Precision precision) noexcept {
  return precision == Precision::f32 ? Precision::f32 : Precision::i16;
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

}  // namespace ondes
