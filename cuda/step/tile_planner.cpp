#include "cuda/step/tile_planner.h"

#include <algorithm>

#include "cuda/step/lanes_internal.h"

namespace ondes::gpu {
namespace {

constexpr int kMostWarps = 16;
constexpr int kMiscQuads = quads_of(sizeof(LaneMisc), sizeof(Quad));

// Quads one after the other.
class Places {
 public:
  int add(int quads) {
    const int at = quads_;
    quads_ += quads;
    return at;
  }
  int quads() const { return quads_; }

 private:
  int quads_ = 0;
};

int floats(int count) {
  return quads_of(count, 4);
}

std::size_t bytes(int quads) {
  return sizeof(Quad) * static_cast<std::size_t>(quads);
}

// A lane's stride: 8 threads that read 4 quads each of two lanes meet 8 groups of banks.
int stride_of(int quads) {
  return (quads + 3) / 8 * 8 + 4;
}

void map_stage(const StepModelView& view, int sides, int layers, Places& lane, ScratchMap& map) {
  map.x = lane.add(sides * vector_quads(view.residual));
  map.z = lane.add(sides * layers * vector_quads(view.gate));
  map.past = lane.add(layers * (view.taps - 1) * vector_quads(view.residual));
}

void map_head(const StepModelView& view, int sides, Places& lane, ScratchMap& map) {
  map.skip_x = lane.add(sides * vector_quads(view.skip));
  map.head_x = lane.add(vector_quads(view.head));
  map.out = lane.add(floats(view.outputs));
  const int rows = quads_of(view.sampler.choices, kCdfRow);
  map.weights = lane.add(floats(view.sampler.choices));
  map.row_max = lane.add(floats(rows));
  map.row_sum = lane.add(floats(rows));
}

// Sums in whole tiles.
int sums_of(int row_tiles, int column_tiles) {
  return row_tiles * column_tiles * kWarpThreads;
}

StepLaunch common(const StepModelView& view, int column_tiles) {
  StepLaunch launch;
  launch.column_tiles = column_tiles;
  launch.lanes_per_block = column_tiles * kTileColumns;
  launch.fixed_residual = view.residual == 64 && view.gate == 64 ? 64 : 0;
  const TileModel& tiles = view.tiles;
  const int widest = std::max({tiles.current.row_tiles, tiles.update.row_tiles,
                               tiles.skip.row_tiles, tiles.head.row_tiles});
  launch.threads = std::clamp(widest, 4, kMostWarps) * kWarpThreads;
  return launch;
}

bool lacks_tiles(const StepModelView& view, const DeviceLimits& limits) {
  return limits.arch < kOldestTileArch || view.tiles.current.row_tiles == 0;
}

const StepLaunch* first_that_takes(const std::vector<StepLaunch>& list, int lanes, int at_once) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const StepLaunch& launch) {
    return lanes <= at_once * launch.lanes_per_block * launch.tile.most_groups;
  });
  return found != list.end() ? &*found : (list.empty() ? nullptr : &list.back());
}

}  // namespace

std::optional<StepLaunch> plan_tile_block(const PackedStepModel& model,
                                          int column_tiles,
                                          const DeviceLimits& limits) {
  const StepModelView& view = model.view;
  if (lacks_tiles(view, limits)) {
    return std::nullopt;
  }
  StepLaunch launch = common(view, column_tiles);
  Places lane;
  launch.map.misc = lane.add(kMiscQuads);
  map_stage(view, 1, 1, lane, launch.map);
  map_head(view, 1, lane, launch.map);
  launch.map.quads = stride_of(lane.quads());
  Places block;
  block.add(launch.lanes_per_block * launch.map.quads);
  launch.tile.h[0] = block.add(sums_of(view.tiles.update.row_tiles, column_tiles));
  launch.tile.skip[0] = block.add(sums_of(view.tiles.skip.row_tiles, column_tiles));
  launch.tile.held = block.quads();
  const std::size_t room = limits.shared_bytes_per_block;
  if (bytes(launch.tile.held) > room) {
    return std::nullopt;
  }
  const int layer = matrix_quads(view.tiles.current) + matrix_quads(view.tiles.past) +
                    matrix_quads(view.tiles.update) + matrix_quads(view.tiles.skip);
  launch.tile.held_layers =
      std::min(view.layers, static_cast<int>((room - bytes(launch.tile.held)) / bytes(layer)));
  launch.shared_bytes = bytes(launch.tile.held + launch.tile.held_layers * layer);
  return launch;
}

std::optional<StepLaunch> plan_tile_cluster(const PackedStepModel& model,
                                            int column_tiles,
                                            const DeviceLimits& limits) {
  const StepModelView& view = model.view;
  constexpr int kStages = kClusterBlocks - 1;
  if (lacks_tiles(view, limits) || limits.clusters == 0) {
    return std::nullopt;
  }
  StepLaunch launch = common(view, column_tiles);
  launch.cluster_blocks = kClusterBlocks;
  TileMap& tile = launch.tile;
  tile.layers = (view.layers + kStages - 1) / kStages;
  if (tile.layers > kKeptLayers) {
    launch.fixed_residual = 0;
  }
  const bool kept = launch.fixed_residual > 0;
  if (kept) {  // a warp for each row tile of the chain
    launch.threads =
        std::max(launch.threads,
                 (view.tiles.current.row_tiles + view.tiles.update.row_tiles) * kWarpThreads);
  }
  tile.most_groups = kMostTileGroups;
  Places lane;
  launch.map.misc = lane.add(tile.most_groups * kMiscQuads);
  map_stage(view, 2, tile.layers, lane, launch.map);
  launch.map.quads = stride_of(lane.quads());
  Places head_lane;
  launch.head_map.misc = head_lane.add(tile.most_groups * kMiscQuads);
  map_head(view, 2, head_lane, launch.head_map);
  launch.head_map.quads = stride_of(head_lane.quads());
  Places stage;
  stage.add(launch.lanes_per_block * launch.map.quads);
  tile.acc = stage.add(tile.layers * sums_of(view.tiles.current.row_tiles, column_tiles));
  for (int side = 0; side < 2; ++side) {
    tile.h[side] = stage.add(sums_of(view.tiles.update.row_tiles, column_tiles));
    tile.skip[side] = stage.add(sums_of(view.tiles.skip.row_tiles, column_tiles));
  }
  tile.held = stage.quads();
  tile.head_held = launch.lanes_per_block * launch.head_map.quads;
  const int room = static_cast<int>(limits.shared_bytes_per_block / sizeof(Quad));
  const auto hold = [&](const TileMatrix& matrix) {
    const int more = tile.layers * matrix_quads(matrix);
    const bool fits = stage.quads() + more <= room;
    stage.add(fits ? more : 0);
    return fits;
  };
  if (!kept) {
    stage.add(tile.layers * matrix_quads(view.tiles.current));
    stage.add(tile.layers * matrix_quads(view.tiles.update));
  }
  if (stage.quads() > room || tile.head_held > room) {
    return std::nullopt;
  }
  tile.hold_skip = hold(view.tiles.skip);
  tile.hold_past = hold(view.tiles.past);
  int head = tile.head_held;
  const auto hold_rows = [&](const TileMatrix& matrix) {
    const int rows = std::min(matrix.row_tiles, (room - head) / row_tile_quads(matrix));
    head += rows * row_tile_quads(matrix);
    return rows;
  };
  tile.held_head_tiles = hold_rows(view.tiles.head);
  tile.held_output_tiles = hold_rows(view.tiles.output);
  launch.shared_bytes = bytes(std::max(stage.quads(), head));
  return launch;
}

TileLaunches plan_tiles(const PackedStepModel& model, const DeviceLimits& limits) {
  TileLaunches launches;
  for (const int tiles : kTileBlockColumns) {
    if (const auto launch = plan_tile_block(model, tiles, limits)) {
      launches.blocks.push_back(*launch);
    }
  }
  for (const int tiles : kTileClusterColumns) {
    if (const auto launch = plan_tile_cluster(model, tiles, limits)) {
      launches.clusters.push_back(*launch);
    }
  }
  return launches;
}

const StepLaunch* chosen_tile_block(const TileLaunches& launches,
                                    int lanes,
                                    const DeviceLimits& limits) {
  return first_that_takes(launches.blocks, lanes, limits.multiprocessors);
}

const StepLaunch* chosen_tile_cluster(const TileLaunches& launches,
                                      int lanes,
                                      const DeviceLimits& limits) {
  return first_that_takes(launches.clusters, lanes, limits.clusters);
}

int tile_groups(const StepLaunch& launch, int lanes, const DeviceLimits& limits) {
  const int groups = tiles_of(lanes, launch.lanes_per_block);
  return std::clamp(tiles_of(groups, std::max(limits.clusters, 1)), 1, launch.tile.most_groups);
}

std::string describe_tiles(const StepLaunch& launch, const PackedStepModel& model) {
  const TileMap& tile = launch.tile;
  const std::string lanes = std::to_string(launch.lanes_per_block) + " lanes";
  const std::string shape = launch.fixed_residual > 0 ? "R = G = 64, " : "run-time shapes, ";
  if (launch.cluster_blocks > 0) {
    return "tensor cores, a cluster of " + std::to_string(launch.cluster_blocks) +
           " blocks up to " + std::to_string(tile.most_groups) + " groups of " + lanes + ", " +
           std::to_string(launch.threads) + " threads a block, " + shape +
           "weights on the chip: the chain's" + (launch.fixed_residual > 0 ? " in registers" : "") +
           (tile.hold_skip ? ", skip" : "") + (tile.hold_past ? ", past" : "") + ", " +
           std::to_string(tile.held_head_tiles) + " of " +
           std::to_string(model.view.tiles.head.row_tiles) + " and " +
           std::to_string(tile.held_output_tiles) + " of " +
           std::to_string(model.view.tiles.output.row_tiles) + " row tiles of the head";
  }
  return "tensor cores, one block " + lanes + ", " + std::to_string(launch.threads) + " threads, " +
         shape + "weights of " + std::to_string(tile.held_layers) + " of " +
         std::to_string(model.view.layers) + " layers in shared memory";
}

}  // namespace ondes::gpu
