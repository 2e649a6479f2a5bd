// Launches of the tensor-core step kernels (cuda/step_tile_*_internal.h): f16, sm_80 and later.
//
// A block alone: 8, 16 or 32 lanes, all of a block's scratch in shared memory, then as many of the
// first layers' weights as there is room for. A cluster: groups of 8 or 16 lanes; a stage holds its
// layers' chain weights, then skip, then past; the head as many row tiles of its products as fit.
// Set-up thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cuda/step/planner.h"

namespace ondes::gpu {

inline constexpr int kTileBlockColumns[] = {1, 2, 4};  // tiles of 8 lanes
inline constexpr int kTileClusterColumns[] = {1, 2};
inline constexpr int kMostTileGroups = kClusterBlocks + 1;  // a period of a lane alone

// None if the device has no such tensor cores or the scratch does not fit in shared memory.
std::optional<StepLaunch> plan_tile_block(const PackedStepModel& model,
                                          int column_tiles,
                                          const DeviceLimits& limits);

// None, too, if there are no clusters or a stage cannot hold its chain's weights.
std::optional<StepLaunch> plan_tile_cluster(const PackedStepModel& model,
                                            int column_tiles,
                                            const DeviceLimits& limits);

// All that a model can use on a device, the fewest lanes first.
struct TileLaunches {
  std::vector<StepLaunch> blocks;
  std::vector<StepLaunch> clusters;
};

TileLaunches plan_tiles(const PackedStepModel& model, const DeviceLimits& limits);

// Of either list the launch for a call of so many lanes; null if the list is empty. The fewest lanes
// a group, or a block, with which all run at once: they make a sample soonest.
const StepLaunch* chosen_tile_block(const TileLaunches& launches,
                                    int lanes,
                                    const DeviceLimits& limits);
const StepLaunch* chosen_tile_cluster(const TileLaunches& launches,
                                      int lanes,
                                      const DeviceLimits& limits);

// Groups of lanes that each cluster of a call takes, so that all clusters run at once if they can.
int tile_groups(const StepLaunch& launch, int lanes, const DeviceLimits& limits);

// "tensor cores, a cluster of 8 blocks up to 9 groups of 8 lanes".
std::string describe_tiles(const StepLaunch& launch, const PackedStepModel& model);

}  // namespace ondes::gpu
