// What a plan asks of a device, against what the device was measured to give.
//
//   step plans, a sample     weights read once for each group of lanes that shares them, state
//                            (rings, conditioning) once a lane; a multiplication with accumulation
//                            (MAC) a weight and lane
//   block plans, a plan      every value written once, and read once by each operation that takes
//   frame                    it; weights once a call, whatever its frames
//   bound                    calls a second <= 1 / max(bytes / bandwidth, MACs / rate)
//
// The bandwidth is that of a large copy within the device's memory: weights that stay in the cache,
// in shared memory or in registers come faster, so a time below this bound is a sign of that, not
// of an error. The rate of f16 is that of mma.sync, the instruction these kernels have (Hopper's wgmma
// goes beyond it).
// Set-up thread.
#pragma once
#include "engine/plan/block_plan.h"
#include "engine/plan/step_plan.h"
#include "engine/plan/step_runner.h"

namespace ondes {

struct StepCost {
  double weight_bytes = 0.0;  // packed, a sample of a group of lanes
  double state_bytes = 0.0;   // a sample of a lane
  double macs = 0.0;          // a sample of a lane
};

StepCost step_cost(const StepPlan& plan, Precision precision);

struct BlockCost {
  double parameters = 0.0;      // numbers that were trained: weights, biases, gains
  double values_written = 0.0;  // numbers, a plan frame
  double values_read = 0.0;
  double macs = 0.0;  // a plan frame
};

BlockCost block_cost(const BlockPlan& plan);

// Of the device in use, best of several passes of some milliseconds each.
struct DeviceRates {
  double copy_bytes_per_s = 0.0;     // read and written, half a gigabyte within the device's memory
  double l2_read_bytes_per_s = 0.0;  // eight megabytes read again and again by every multiprocessor
  double f32_macs_per_s = 0.0;
  double f16_macs_per_s = 0.0;  // tensor cores, f32 sums
  double i16_macs_per_s = 0.0;
  double i8_macs_per_s = 0.0;  // four products an instruction (dp4a)

  double macs_per_s(Precision precision) const;
};

// Throws Error{no_device} if there is no usable device.
DeviceRates measured_device_rates();

}  // namespace ondes
