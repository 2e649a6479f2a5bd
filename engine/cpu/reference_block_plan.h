// The judge of block plans: plain loops over whole signals, one operation after the other.
//
// Kept for ever, never made fast. evaluate_block_plan() (engine/plan/block_runner.h) is its last
// value. Set-up thread.
#pragma once
#include <span>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/views.h"

namespace ondes {

// The frames of every value (frames * channels each), of the whole signal including the frames it is
// prewarmed with. Throws Error{bad_input} for an inconsistent plan or inputs of another shape.
std::vector<std::vector<float>> evaluate_block_values(const BlockPlan& plan,
                                                      std::span<const ConstFrames> inputs);

}  // namespace ondes
