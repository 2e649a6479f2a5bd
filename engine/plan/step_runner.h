// The backend interface for step plans: a lane runner whose inside can be looked at.
//
// Set-up thread: construction, set_probe().
#pragma once
#include <memory>

#include "engine/plan/lane_runner.h"
#include "engine/plan/step_plan.h"

namespace ondes {

// Hidden values of one lane, for comparing backends and naming the layer that differs. Set-up only.
struct StepProbe {
  int slot = 0;
  // Filled with one entry a sample: h_l for l = 0..L-1 (L*R), then z_l (L*G), then the head's
  // outputs (O), concatenated: width L*R + L*G + O.
  Frames values;
  int next_frame = 0;
};

class StepRunner : public LaneRunner {
 public:
  // Null removes it. A probe slows process down.
  virtual void set_probe(StepProbe* probe) = 0;
};

using StepRunnerOptions = LaneRunnerOptions;

// engine/cpu. Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is.
std::unique_ptr<StepRunner> make_cpu_step_runner(const StepPlan& plan,
                                                 const StepRunnerOptions& options);

}  // namespace ondes
