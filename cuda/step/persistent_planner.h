// How a model is dealt out to the blocks of a chip (cuda/step/persistent_internal.h).
//
// Head blocks: a share of 32 skip channels each, or as many blocks as it takes to hold their weights;
// the last product too is shared by all where it would take half of a block's memory.
// Stages: as few as hold the chain's weights, because a lane alone pays for every hop from block to
// block; at least as many as lanes, so that each lane is in a stage of its own. What is left of a
// stage's shared memory holds the past taps' weights, if all of them fit. Bound of the method on
// an H100, R 64, S 256, 20 layers: about 89 thousand samples a second of one lane, against 235 of a
// cluster, which is therefore taken before it wherever it fits. Set-up thread.
#pragma once
#include <optional>
#include <string>

#include "cuda/step/planner.h"

namespace ondes::gpu {

// Launches that are made at set-up: for one lane, and for up to kMostPersistentLanes.
inline constexpr int kPersistentLanes[] = {1, kMostPersistentLanes};

// The launch for at most so many lanes, if the device runs all its blocks at once and the weights
// that must be held fit; none if a block alone holds the whole model, which needs no hop then.
std::optional<StepLaunch> plan_persistent_launch(const PackedStepModel& model,
                                                 Precision precision,
                                                 int lanes,
                                                 const DeviceLimits& limits);

// "across 28 blocks: 20 stages and 8 heads".
std::string describe_persistent(const StepLaunch& launch);

}  // namespace ondes::gpu
