// Which step kernel runs, and how: chosen on the host from shapes, lanes and the device's limits.
//
// Variants that are built: one block a group of 1, 4 or 8 lanes, one cluster of blocks a lane, the
// chip for a few lanes together (cuda/step/persistent_planner.h), and tensor cores for f16, which
// are taken before the others (cuda/step/tile_planner.h). A cluster is taken where it
// holds the chain's weights and there are clusters for all lanes; then the chip, if the model is too
// large for a block. Else: fewer lanes a block make a sample sooner; more lanes share every weight
// read. The smallest group is taken whose blocks all run at once. Scratch goes to shared memory where
// it fits, then as much of the weights' hot beginning as there is room for. Set-up thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "cuda/step/call_internal.h"
#include "cuda/step/pack.h"

namespace ondes::gpu {

inline constexpr int kLaneGroups[] = {1, 4, 8};
inline constexpr int kClusterBlocks = 8;  // the most that every device with clusters has

struct StepLaunch {
  int lanes_per_block = 1;
  int column_tiles = 0;    // > 0: on tensor cores, so many tiles of 8 lanes (step/tile_planner.h)
  int fixed_residual = 0;  // instance: R = G = this, 0 for any shape
  int threads = 0;
  std::size_t shared_bytes = 0;
  std::uint32_t resident_bytes = 0;
  std::size_t scratch_bytes_per_block = 0;  // in global memory; 0 if shared
  ScratchMap map;
  ScratchMap head_map;  // of a tensor-core cluster's head
  TileMap tile;
  Slicing slicing;
  int cluster_blocks = 0;  // > 0: one cluster of so many blocks a lane, or as tile.groups say
  ClusterHolds holds;
  PersistentShape persistent;  // blocks() > 0: all lanes across so many blocks

  int blocks(int lanes) const {
    if (persistent.blocks() > 0) {
      return persistent.blocks();
    }
    const int each = lanes_per_block * tile.groups;
    return (lanes + each - 1) / each * (cluster_blocks > 0 ? cluster_blocks : 1);
  }
};

// The launch of one group size.
StepLaunch plan_step_launch(const PackedStepModel& model,
                            Precision precision,
                            int lanes_per_block,
                            const DeviceLimits& limits);

// The launch of one cluster a lane, if the device has clusters and the chain's weights fit in their
// shared memory.
std::optional<StepLaunch> plan_cluster_launch(const PackedStepModel& model,
                                              Precision precision,
                                              const DeviceLimits& limits);

// Index into kLaneGroups for a call of so many lanes.
int chosen_group(int lanes, const DeviceLimits& limits);

// For people: "one block a lane, 512 threads, scratch and 190 of 851 KiB of weights in shared
// memory".
std::string describe(const StepLaunch& launch, const PackedStepModel& model);

}  // namespace ondes::gpu
