// The step kernels' variants by name, for benchmarks: a device's limits bent so that the planner has no
// other choice for so many lanes, where it can take that one at all.
//
// What was really taken, a runner's description says: a name is a wish. Any thread.
#pragma once
#include <array>
#include <string_view>

#include "cuda/step/planner.h"

namespace ondes::gpu {

inline constexpr std::array<std::string_view, 7> kStepVariants{
    "block a lane",    "block of 4",   "block of 8",    "cluster a lane",
    "across the chip", "tensor block", "tensor cluster"};

// Throws Error{usage} for a name that is none of them.
DeviceLimits limits_for(std::string_view variant, DeviceLimits limits, int lanes);

}  // namespace ondes::gpu
