#include "cuda/step/persistent_planner.h"

#include <algorithm>

namespace ondes::gpu {
namespace {

constexpr int kChannelsPerHead = 32;

std::size_t bytes_of(int quads) {
  return sizeof(Quad) * static_cast<std::size_t>(quads);
}

int parts_of(int count, int parts) {
  return (count + parts - 1) / parts;
}

int segments_of(const MatrixView& matrix) {
  return (matrix.quads + matrix.segment_quads - 1) / matrix.segment_quads;
}

// Threads share a product's inputs where it has fewer outputs than there are threads.
int slices_of(const MatrixView& matrix, int outputs, int threads) {
  return std::clamp(threads / (outputs * segments_of(matrix)), 1, matrix.segment_quads);
}

int partial_quads(const MatrixView& matrix, int outputs, int slices) {
  return quads_of(segments_of(matrix) * slices * outputs, 4);
}

// Places parts of a block's scratch one after the other.
struct Placed {
  ScratchMap map;
  int add(int quads) {
    const int at = map.quads;
    map.quads += quads;
    return at;
  }
  int add_floats(int count) { return add(quads_of(count, 4)); }
};

// Three floats more than the layers need: step/persistent_internal.h shifts by whole quads.
ScratchMap map_stage(const StepModelView& view, bool integer, int layers, const Slicing& slicing) {
  Placed to;
  to.map.misc = to.add(kQuadsOfMisc * kMostPersistentLanes);
  to.map.x = to.add(view.quads_r);
  to.map.h = to.add_floats(view.residual);
  to.map.acc = to.add_floats(layers * 2 * view.gate + 3);
  to.map.past = to.add(layers * (view.taps - 1) * view.quads_r);
  to.map.past_scale = integer ? to.add_floats(layers * (view.taps - 1) + 3) : 0;
  to.map.z = to.add(layers * view.quads_g);
  to.map.partials =
      to.add(std::max(partial_quads(view.current, view.current.outputs, slicing.current),
                      partial_quads(view.update, view.update.outputs, slicing.residual)));
  return to.map;
}

// The last product's that a head block makes at most.
int outputs_of(const StepModelView& view, const PersistentShape& shape) {
  return shape.shares_output ? parts_of(view.outputs, shape.heads) : view.outputs;
}

ScratchMap map_head(const StepModelView& view, bool integer, const PersistentShape& shape) {
  const Slicing& slicing = shape.head_slicing;
  Placed to;
  to.map.misc = to.add(kQuadsOfMisc * kMostPersistentLanes);
  to.map.z = to.add(view.layers * view.quads_g);
  to.map.skip_x = to.add(view.quads_s);
  to.map.skip = integer ? to.add_floats(view.skip) : to.map.skip_x;
  to.map.head_x = to.add(view.quads_a);
  to.map.head = integer ? to.add_floats(view.head) : to.map.head_x;
  to.map.out = to.add_floats(view.outputs);
  const int rows = quads_of(view.sampler.choices, kCdfRow);
  to.map.weights = to.add_floats(view.sampler.choices);
  to.map.row_max = to.add_floats(rows);
  to.map.row_sum = to.add_floats(rows);
  to.map.partials = to.add(
      std::max({partial_quads(view.skip_product, parts_of(view.skip, shape.heads), slicing.skip),
                partial_quads(view.head_product, parts_of(view.head, shape.heads), slicing.head),
                partial_quads(view.output_product, outputs_of(view, shape), slicing.output)}));
  return to.map;
}

int quads_in(const MatrixView& matrix) {
  return matrix.quads * matrix.outputs;
}

// Gives the launch as few head blocks as hold their shares, none larger than it need be; returns
// their shared memory, or 0 if `most` blocks are not enough.
std::size_t plan_heads(const StepModelView& view, bool integer, int most, StepLaunch& launch) {
  PersistentShape& shape = launch.persistent;
  // One more exchange costs about as much as a block's reading of a hundred KiB.
  shape.shares_output = 2 * bytes_of(quads_in(view.output_product)) > launch.shared_bytes;
  most = std::min({most, view.skip, view.head, shape.shares_output ? view.outputs : most});
  for (int heads = std::min(parts_of(view.skip, kChannelsPerHead), most);
       heads <= most && heads > 0; ++heads) {
    const int skip = parts_of(view.skip, heads);
    const int head = parts_of(view.head, heads);
    shape.heads = heads;
    shape.head_slicing.skip = slices_of(view.skip_product, skip, launch.threads);
    shape.head_slicing.head = slices_of(view.head_product, head, launch.threads);
    shape.head_slicing.output =
        slices_of(view.output_product, outputs_of(view, shape), launch.threads);
    shape.head_map = map_head(view, integer, shape);
    const std::size_t bytes = bytes_of(shape.head_map.quads + view.skip_product.quads * skip +
                                       view.head_product.quads * head +
                                       view.output_product.quads * outputs_of(view, shape));
    if (bytes <= launch.shared_bytes) {
      return bytes;
    }
  }
  return 0;
}

// Likewise the stages, `least` or more.
std::size_t plan_stages(
    const StepModelView& view, bool integer, int least, int most, StepLaunch& launch) {
  PersistentShape& shape = launch.persistent;
  for (int stages = least; stages <= std::min(most, view.layers); ++stages) {
    const int layers = parts_of(view.layers, stages);
    shape.stages = stages;
    launch.map = map_stage(view, integer, layers, launch.slicing);
    const std::size_t bytes =
        bytes_of(launch.map.quads) +
        bytes_of(quads_in(view.current) + quads_in(view.update)) * static_cast<std::size_t>(layers);
    if (bytes <= launch.shared_bytes) {
      const std::size_t with_past =
          bytes + bytes_of(quads_in(view.past)) * static_cast<std::size_t>(layers);
      shape.holds_past = with_past <= launch.shared_bytes;
      return shape.holds_past ? with_past : bytes;
    }
  }
  return 0;
}

}  // namespace

std::optional<StepLaunch> plan_persistent_launch(const PackedStepModel& model,
                                                 Precision precision,
                                                 int lanes,
                                                 const DeviceLimits& limits) {
  const StepModelView& view = model.view;
  const bool integer = is_integer(precision);
  StepLaunch launch = plan_step_launch(model, precision, 1, limits);
  const std::size_t past_end =
      view.past.weights + bytes_of(quads_in(view.past)) * static_cast<std::size_t>(view.layers);
  const std::size_t weights_end = std::max<std::size_t>(view.tanh_table, past_end);
  if (!limits.cooperative || lanes > kMostPersistentLanes ||
      (launch.scratch_bytes_per_block == 0 && launch.resident_bytes >= weights_end)) {
    return std::nullopt;
  }
  launch.resident_bytes = 0;
  launch.scratch_bytes_per_block = 0;
  launch.shared_bytes = limits.shared_bytes_per_block;  // what the plans below may use
  const std::size_t head = plan_heads(view, integer, limits.multiprocessors - 1, launch);
  const std::size_t stage =
      head == 0 ? 0
                : plan_stages(view, integer, std::min(lanes, view.layers),
                              limits.multiprocessors - launch.persistent.heads, launch);
  if (stage == 0) {
    return std::nullopt;
  }
  launch.shared_bytes = std::max(stage, head);
  return launch;
}

std::string describe_persistent(const StepLaunch& launch) {
  const PersistentShape& shape = launch.persistent;
  return "across " + std::to_string(shape.blocks()) + " blocks: " + std::to_string(shape.stages) +
         (shape.stages == 1 ? " stage and " : " stages and ") + std::to_string(shape.heads) +
         (shape.heads == 1 ? " head" : " heads") +
         (shape.shares_output ? " of all products, " : ", ") + std::to_string(launch.threads) +
         " threads a block, readiness in the data, all weights" +
         (shape.holds_past ? "" : " but the past taps'") + " in shared memory";
}

}  // namespace ondes::gpu
