// A step plan's weights as tensor cores take them (cuda/step/tile_layout.h), in halves.
// Set-up thread.
#pragma once
#include <cstddef>
#include <vector>

#include "cuda/step/model_internal.h"
#include "engine/plan/step_plan.h"

namespace ondes::gpu {

// Appends the plan's products to the image, and says where they lie. The plan is valid and its
// weights are within a half's range.
TileModel append_tiles(const StepPlan& plan, std::vector<std::byte>& image);

}  // namespace ondes::gpu
