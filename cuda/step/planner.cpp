#include "cuda/step/planner.h"

#include <algorithm>

#include "cuda/step/persistent_planner.h"
#include "cuda/step/tile_planner.h"

namespace ondes::gpu {
namespace {

constexpr int kMostThreads = 512;

int slices_of(const MatrixView& matrix, int threads) {
  const int segments = (matrix.quads + matrix.segment_quads - 1) / matrix.segment_quads;
  return std::clamp(threads / (matrix.outputs * segments), 1, matrix.segment_quads);
}

// Instances for a block a lane are built for these where the gate is as wide as the residual.
int fixed_residual_of(const StepModelView& view) {
  const bool known = view.residual == 32 || view.residual == 64 || view.residual == 128;
  return known && view.gate == view.residual ? view.residual : 0;
}

}  // namespace

StepLaunch plan_step_launch(const PackedStepModel& model,
                            Precision precision,
                            int lanes_per_block,
                            const DeviceLimits& limits) {
  const StepModelView& view = model.view;
  StepLaunch launch;
  launch.lanes_per_block = lanes_per_block;
  launch.fixed_residual = lanes_per_block == 1 ? fixed_residual_of(view) : 0;
  // Enough for the widest product; a narrow network does not wait for threads without work.
  const int widest =
      std::max({4 * view.gate, 2 * view.residual, view.skip, view.head, view.outputs});
  launch.threads = std::clamp((widest + 31) / 32 * 32, 64, kMostThreads);
  launch.slicing.current = slices_of(view.current, launch.threads);
  launch.slicing.residual = slices_of(view.update, launch.threads);
  launch.slicing.skip = slices_of(view.skip_product, launch.threads);
  launch.slicing.head = slices_of(view.head_product, launch.threads);
  launch.slicing.output = slices_of(view.output_product, launch.threads);
  launch.map = map_scratch(view, precision, launch.slicing);
  const std::size_t scratch = sizeof(Quad) * static_cast<std::size_t>(launch.map.quads) *
                              static_cast<std::size_t>(lanes_per_block);
  std::size_t room = limits.shared_bytes_per_block;
  if (scratch <= room) {
    launch.shared_bytes = scratch;
    room -= scratch;
  } else {
    launch.scratch_bytes_per_block = scratch;
  }
  for (const std::uint32_t boundary : model.boundaries) {
    if (boundary <= room) {
      launch.resident_bytes = boundary;
    }
  }
  launch.shared_bytes += launch.resident_bytes;
  return launch;
}

std::optional<StepLaunch> plan_cluster_launch(const PackedStepModel& model,
                                              Precision precision,
                                              const DeviceLimits& limits) {
  const StepModelView& view = model.view;
  constexpr int kStages = kClusterBlocks - 1;
  if (limits.clusters == 0) {
    return std::nullopt;
  }
  StepLaunch launch = plan_step_launch(model, precision, 1, limits);
  launch.cluster_blocks = kClusterBlocks;
  launch.resident_bytes = 0;
  launch.scratch_bytes_per_block = 0;
  const auto bytes = [](const MatrixView& matrix) {
    return sizeof(Quad) * static_cast<std::size_t>(matrix.quads) *
           static_cast<std::size_t>(matrix.outputs);
  };
  // As step/cluster_internal.h places them: scratch, the skip sums of all layers, held weights.
  const std::size_t scratch =
      sizeof(Quad) *
      static_cast<std::size_t>(launch.map.quads + quads_of(view.layers * view.skip, 4));
  const auto layers = static_cast<std::size_t>((view.layers + kStages - 1) / kStages);
  std::size_t stage = scratch + layers * (bytes(view.current) + bytes(view.update));
  if (stage > limits.shared_bytes_per_block) {
    return std::nullopt;
  }
  const auto hold = [&limits](std::size_t& used, std::size_t more) {
    const bool fits = used + more <= limits.shared_bytes_per_block;
    used += fits ? more : 0;
    return fits;
  };
  launch.holds.skip =
      hold(stage, layers * sizeof(Quad) * static_cast<std::size_t>(view.quads_g * view.skip));
  launch.holds.past = hold(stage, layers * bytes(view.past));
  std::size_t head = scratch;
  launch.holds.head = hold(head, bytes(view.head_product) + bytes(view.output_product));
  launch.shared_bytes = std::max(stage, head);
  return launch;
}

int chosen_group(int lanes, const DeviceLimits& limits) {
  int chosen = 0;
  for (const int group : kLaneGroups) {
    if ((lanes + group - 1) / group <= limits.multiprocessors) {
      return chosen;
    }
    ++chosen;
  }
  return chosen - 1;
}

std::string describe(const StepLaunch& launch, const PackedStepModel& model) {
  if (launch.persistent.blocks() > 0) {
    return describe_persistent(launch);
  }
  if (launch.column_tiles > 0) {
    return describe_tiles(launch, model);
  }
  if (launch.cluster_blocks > 0) {
    return "a cluster of " + std::to_string(launch.cluster_blocks) + " blocks a lane, " +
           std::to_string(launch.threads) + " threads a block, in shared memory: the chain's" +
           (launch.holds.skip ? ", skip" : "") + (launch.holds.past ? ", past" : "") +
           (launch.holds.head ? ", head" : "") + " weights";
  }
  const std::string lanes = launch.lanes_per_block == 1
                                ? "one block a lane"
                                : "one block " + std::to_string(launch.lanes_per_block) + " lanes";
  return lanes + ", " + std::to_string(launch.threads) + " threads, " +
         (launch.fixed_residual > 0 ? "R = G = " + std::to_string(launch.fixed_residual) + ", "
                                    : "run-time shapes, ") +
         (launch.scratch_bytes_per_block == 0 ? "scratch in shared" : "scratch in global") +
         " memory, " + std::to_string(launch.resident_bytes / 1024) + " of " +
         std::to_string(model.image.size() / 1024) + " KiB of weights in shared memory";
}

}  // namespace ondes::gpu
