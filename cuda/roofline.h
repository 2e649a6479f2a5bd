// What a step plan asks of a device, against what the device was measured to give.
//
//   bytes a sample     weights once a block of lanes, state (rings, conditioning) once a lane
//   operations         2 a multiplication with accumulation
//   bound              the larger of bytes / bandwidth and operations / rate
//
// The bandwidth is that of a large copy within the device's memory: weights that stay in the cache
// or in shared memory come faster, so a time below this bound is a sign of that, not of an error.
// Set-up thread.
#pragma once
#include "engine/plan/step_plan.h"
#include "engine/plan/step_runner.h"

namespace ondes {

struct StepCost {
  double weight_bytes = 0.0;  // packed, a sample of a block
  double state_bytes = 0.0;   // a sample of a lane
  double macs = 0.0;          // a sample of a lane
};

StepCost step_cost(const StepPlan& plan, Precision precision);

// Bytes read and written in a second by a device-to-device copy of half a gigabyte, the best of
// ten. Throws Error{no_device} if there is no usable device.
double measured_copy_bytes_per_s();

}  // namespace ondes
