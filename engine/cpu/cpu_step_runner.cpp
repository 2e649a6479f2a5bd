#include "engine/cpu/reference_step_runner.h"
#include "engine/cpu/runner_options.h"

namespace ondes {

std::unique_ptr<StepRunner> make_cpu_step_runner_for(Isa isa,
                                                     const StepPlan& plan,
                                                     const StepRunnerOptions& options) {
  (void)isa;
  return std::make_unique<ReferenceStepRunner>(plan, options);
}

std::unique_ptr<StepRunner> make_cpu_step_runner(const StepPlan& plan,
                                                 const StepRunnerOptions& options) {
  return make_cpu_step_runner_for(chosen_isa(), plan, options);
}

}  // namespace ondes
