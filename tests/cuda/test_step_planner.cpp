#include <catch2/catch.hpp>

#include "cuda/step/planner.h"
#include "cuda/step/tile_planner.h"
#include "tests/cuda/random_step_plan.h"

namespace ondes {
namespace {

// The WaveNet that the performance tables speak of.
StepShape table_shape() {
  StepShape shape;
  shape.residual = shape.gate = 64;
  shape.skip = shape.head = 256;
  shape.choices = 10;
  shape.dilations.clear();
  for (int l = 0; l < 20; ++l) {
    shape.dilations.push_back(1 << (l % 10));
  }
  return shape;
}

TEST_CASE("the smallest group of lanes is taken whose blocks all run at once") {
  gpu::DeviceLimits limits;
  limits.multiprocessors = 132;
  CHECK(gpu::kLaneGroups[gpu::chosen_group(1, limits)] == 1);
  CHECK(gpu::kLaneGroups[gpu::chosen_group(132, limits)] == 1);
  CHECK(gpu::kLaneGroups[gpu::chosen_group(133, limits)] == 4);
  CHECK(gpu::kLaneGroups[gpu::chosen_group(528, limits)] == 4);
  CHECK(gpu::kLaneGroups[gpu::chosen_group(4096, limits)] == 8);
}

TEST_CASE("a launch stays within every device's shared memory and has work for its threads") {
  for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
    const gpu::PackedStepModel model =
        gpu::pack_step_model(random_step_plan(table_shape(), 1), precision);
    // Turing, Ampere (sm_86), Hopper; and one that is far too small.
    for (const std::size_t shared :
         {std::size_t{64}, std::size_t{99}, std::size_t{227}, std::size_t{4}}) {
      for (const int group : gpu::kLaneGroups) {
        gpu::DeviceLimits limits;
        limits.shared_bytes_per_block = shared * 1024;
        const gpu::StepLaunch launch = gpu::plan_step_launch(model, precision, group, limits);
        CAPTURE(shared, group, gpu::describe(launch, model));
        CHECK(launch.shared_bytes <= limits.shared_bytes_per_block);
        CHECK(launch.resident_bytes <= launch.shared_bytes);
        CHECK(launch.threads % 32 == 0);
        CHECK(launch.threads <= 512);
        CHECK(launch.slicing.current == launch.threads / 128);
        CHECK(launch.fixed_residual == (group == 1 ? 64 : 0));
        CHECK((launch.scratch_bytes_per_block == 0) ==
              (16U * static_cast<std::size_t>(launch.map.quads) * static_cast<std::size_t>(group) <=
               limits.shared_bytes_per_block));
      }
    }
  }
}

// 20 layers in 7 stages: 3 a stage at most. i8, i16: all weights of a layer, 36 and 72 KiB; i16 leaves
// no room for the past taps beside scratch. f32: 48 KiB of the chain's, 64 of the skip's do not fit.
TEST_CASE("a cluster holds the chain's weights, then as much else as there is room for") {
  gpu::DeviceLimits limits;
  limits.shared_bytes_per_block = 227 * 1024;
  const auto planned = [&](Precision precision) {
    return gpu::plan_cluster_launch(
        gpu::pack_step_model(random_step_plan(table_shape(), 1), precision), precision, limits);
  };
  CHECK_FALSE(planned(Precision::i8));  // no clusters on this device
  limits.clusters = 16;
  for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
    const auto launch = planned(precision);
    REQUIRE(launch);
    CAPTURE(static_cast<int>(precision), launch->shared_bytes);
    CHECK(launch->shared_bytes <= limits.shared_bytes_per_block);
    CHECK(launch->blocks(2) == 16);
    CHECK(launch->holds.skip == (precision != Precision::f32));
    CHECK(launch->holds.past == (precision == Precision::i8));
    CHECK(launch->holds.head == (precision != Precision::f32));
  }
  limits.shared_bytes_per_block = 99 * 1024;
  CHECK_FALSE(planned(Precision::f32));
}

gpu::DeviceLimits hopper() {
  gpu::DeviceLimits limits;
  limits.multiprocessors = 132;
  limits.shared_bytes_per_block = 227 * 1024;
  limits.clusters = 16;
  limits.arch = 90;
  return limits;
}

// 1.74 MB of halves: 3 layers a stage of 24 KiB of the chain, 32 of skip, 16 of past; a head of 128 and
// 16 KiB. With the chain in registers all of it is on the chip for groups of 8.
TEST_CASE("a cluster with tensor cores has the whole table network on the chip") {
  const gpu::PackedStepModel model =
      gpu::pack_step_model(random_step_plan(table_shape(), 1), Precision::f16);
  const gpu::TileLaunches launches = gpu::plan_tiles(model, hopper());
  REQUIRE(launches.clusters.size() == 2);
  const gpu::StepLaunch& launch = launches.clusters[0];
  CAPTURE(gpu::describe(launch, model), launch.shared_bytes);
  CHECK(launch.shared_bytes <= hopper().shared_bytes_per_block);
  CHECK(launch.fixed_residual == 64);
  CHECK(launch.threads == 512);
  CHECK(launch.tile.hold_skip);
  CHECK(launch.tile.hold_past);
  CHECK(launch.tile.held_head_tiles == 16);
  CHECK(launch.tile.held_output_tiles == 2);
  CHECK_THAT(gpu::describe(launch, model), Catch::Contains("the chain's in registers, skip, past"));
  // A deeper network has more layers a stage than registers take.
  StepShape deep = table_shape();
  deep.dilations.resize(28, 1);
  const gpu::PackedStepModel four = gpu::pack_step_model(random_step_plan(deep, 1), Precision::f16);
  CHECK(gpu::plan_tile_cluster(four, 1, hopper())->fixed_residual == 0);
}

TEST_CASE("groups of lanes share clusters so that all run at once") {
  const gpu::PackedStepModel model =
      gpu::pack_step_model(random_step_plan(table_shape(), 1), Precision::f16);
  const gpu::TileLaunches launches = gpu::plan_tiles(model, hopper());
  const auto groups = [&](int lanes, int each) {
    const gpu::StepLaunch* launch = gpu::chosen_tile_cluster(launches, lanes, hopper());
    CAPTURE(lanes);
    CHECK(launch->lanes_per_block == each);
    gpu::StepLaunch own = *launch;
    own.tile.groups = gpu::tile_groups(own, lanes, hopper());
    CHECK(own.blocks(lanes) % gpu::kClusterBlocks == 0);
    if (own.tile.groups < own.tile.most_groups) {
      CHECK(own.blocks(lanes) <= 16 * gpu::kClusterBlocks);
    }
    return own.tile.groups;
  };
  CHECK(groups(1, 8) == 1);
  CHECK(groups(128, 8) == 1);
  CHECK(groups(129, 8) == 2);
  CHECK(groups(256, 8) == 2);
  CHECK(groups(1152, 8) == 9);
  CHECK(groups(1153, 16) == 5);
  CHECK(groups(4096, 16) == 9);  // in turns
  const auto block = [&](int lanes) {
    return gpu::chosen_tile_block(launches, lanes, hopper())->lanes_per_block;
  };
  CHECK(block(1) == 8);
  CHECK(block(132 * 8 + 1) == 16);
  CHECK(block(4096) == 32);
}

TEST_CASE("a launch on tensor cores fits its device, and none is planned where there are none") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const gpu::PackedStepModel model =
        gpu::pack_step_model(random_step_plan(random_step_shape(seed), seed), Precision::f16);
    for (const std::size_t shared_kib : {16U, 64U, 99U, 163U, 227U}) {
      gpu::DeviceLimits limits = hopper();
      limits.shared_bytes_per_block = shared_kib * 1024;
      const gpu::TileLaunches launches = gpu::plan_tiles(model, limits);
      for (const auto* list : {&launches.blocks, &launches.clusters}) {
        for (const gpu::StepLaunch& launch : *list) {
          CAPTURE(seed, shared_kib, gpu::describe(launch, model));
          CHECK(launch.shared_bytes <= limits.shared_bytes_per_block);
          CHECK(launch.threads % 32 == 0);
          CHECK(launch.threads <= 512);
          CHECK(launch.map.quads % 8 == 4);  // lanes in different banks
          CHECK(launch.map.quads * launch.lanes_per_block <= launch.tile.held);
        }
      }
      limits.arch = 75;
      CHECK(gpu::plan_tiles(model, limits).blocks.empty());
      CHECK(gpu::plan_tiles(model, limits).clusters.empty());
    }
  }
  // Other precisions have no such weights.
  const gpu::PackedStepModel plain =
      gpu::pack_step_model(random_step_plan(table_shape(), 1), Precision::f32);
  CHECK(gpu::plan_tiles(plain, hopper()).blocks.empty());
}

TEST_CASE("an encoder deeper than the kernels can hold is refused by name") {
  StepShape shape;
  shape.encoder.assign(9, 4);
  CHECK_THROWS_WITH(gpu::pack_step_model(random_step_plan(shape, 1), Precision::f32),
                    Catch::Contains("encoder: expected at most 8 layers, found 9"));
}

}  // namespace
}  // namespace ondes
