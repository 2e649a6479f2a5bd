// What the host decides before a block kernel runs: how weights lie, what a call launches and what
// waits for what, how much memory a stream takes.
#include <array>
#include <catch2/catch.hpp>
#include <set>

#include "cuda/block/launch.h"
#include "cuda/block/tensor_internal.h"
#include "tests/cuda/block_kernel_rig.h"

namespace ondes::gpu {
namespace {

constexpr DeviceLimits kHopper{132, 227 * 1024, 50 * 1024 * 1024, 0, false, 90};

// The new frames of every value in a call in the middle of a signal.
std::vector<int> added_in(const BlockModel& model, std::int64_t from, int frames) {
  std::vector<std::int64_t> before(model.rings.size());
  std::vector<std::int64_t> after(model.rings.size());
  model.count_frames(from, false, before);
  model.count_frames(from + frames, false, after);
  std::vector<int> added;
  for (std::size_t v = 0; v < before.size(); ++v) {
    added.push_back(static_cast<int>(after[v] - before[v]));
  }
  return added;
}

TEST_CASE("a thread's eight channels and eight outputs are neighbours, and each is there once") {
  std::set<int> channels;
  std::set<int> outputs;
  for (int step = 0; step < 2; ++step) {
    for (int k = 0; k < kTileDepth; ++k) {
      channels.insert(tile_channel(step, k));
    }
  }
  for (int n = 0; n < 4; ++n) {
    for (int c = 0; c < kTileColumns; ++c) {
      outputs.insert(tile_output(n, c));
    }
  }
  CHECK(channels.size() == kChunkChannels);
  CHECK(*channels.rbegin() == kChunkChannels - 1);
  CHECK(outputs.size() == kOutputGroup);
  CHECK(*outputs.rbegin() == kOutputGroup - 1);
  for (int place = 0; place < kWarpThreads; ++place) {
    for (int half = 0; half < 8; ++half) {
      // Half `half` of the 16 bytes that a thread loads of a frame is half i of its A in a step.
      const int step = half / 4;
      const int i = half % 4 / 2 * 4 + half % 2;  // of the upper row; the lower one's are 2 on
      CHECK(tile_channel(step, a_at(place, i).column) == place % 4 * 8 + half);
      CHECK(tile_channel(step, a_at(place, i + 2).column) == place % 4 * 8 + half);
      CHECK(tile_channel(step, b_at(place, half % 4).row) == place % 4 * 8 + half);
      CHECK(tile_output(half / 2, sum_at(place, half % 2).column) == place % 4 * 8 + half);
    }
  }
}

TEST_CASE("slices of a sum follow each other, cover it, and are too long to be many") {
  for (int steps = 0; steps < 400; ++steps) {
    const TensorSlices slices(steps);
    REQUIRE(slices.count >= 1);
    REQUIRE(slices.count <= kTensorThreads / kWarpThreads);  // a warp each
    REQUIRE((slices.count == 1 || steps / slices.count >= TensorSlices::kLeastSteps));
    REQUIRE(slices.first(0) == 0);
    REQUIRE(slices.first(slices.count) == steps);
    for (int slice = 0; slice < slices.count; ++slice) {
      REQUIRE(slices.first(slice) <= slices.first(slice + 1));
    }
  }
}

TEST_CASE("launches wait for the ones whose values they read, and for no others") {
  const BlockModel model = pack_block_model(resblock_plan(1, 64), {Precision::f16, 1, 8, 1}, true);
  const BlockLaunches call = build_launches(model, kHopper, added_in(model, 1000, 8));
  REQUIRE(call.launches.size() == model.nodes.size() + 2);
  CHECK(call.launches.front().after.empty());
  for (std::size_t n = 0; n < model.nodes.size(); ++n) {
    std::set<int> expected;
    for (const BlockValueId input : model.nodes[n].inputs) {
      for (std::size_t w = 0; w < model.nodes.size(); ++w) {
        const auto& outputs = model.nodes[w].outputs;
        if (std::find(outputs.begin(), outputs.end(), input) != outputs.end()) {
          expected.insert(static_cast<int>(w) + 1);
        }
      }
      if (input == model.inputs[0]) {
        expected.insert(0);
      }
    }
    const std::vector<int>& after = call.launches[n + 1].after;
    CHECK(std::set<int>(after.begin(), after.end()) == expected);
  }
  CHECK(call.launches.back().after == std::vector<int>{static_cast<int>(model.nodes.size())});
}

TEST_CASE("a call's launches and sizes depend on its schedule of frames alone") {
  const BlockModel model = pack_block_model(resblock_plan(1, 64), {Precision::f32, 1, 8, 1});
  const std::vector<int> early = added_in(model, 1000, 8);
  const std::vector<int> late = added_in(model, std::int64_t{1} << 40, 8);
  CHECK(early == late);
  const BlockLaunches call = build_launches(model, kHopper, late);
  CHECK(call.upload_bytes ==
        sizeof(CallHeader) + model.rings.size() * sizeof(ValueWindow) + 8 * 16 * sizeof(float));
  CHECK(call.download_bytes == 8 * 16 * sizeof(float));  // 8 frames of 16 samples
}

TEST_CASE("larger calls get larger tiles, and devices without tensor cores none of theirs") {
  const auto shapes = [](int frames, bool tensor_cores, int multiprocessors) {
    const BlockModel model =
        pack_block_model(resblock_plan(1, 64), {Precision::f16, 1, frames, 1}, tensor_cores);
    DeviceLimits limits = kHopper;
    limits.multiprocessors = multiprocessors;
    std::set<ConvShape> found;
    for (const BlockLaunch& launch :
         build_launches(model, limits, added_in(model, 4000, frames)).launches) {
      if (std::holds_alternative<ConvOp>(launch.op)) {
        found.insert(launch.shape);
      }
    }
    return found;
  };
  CHECK(shapes(1, true, 132).contains(ConvShape::tensor_split));
  CHECK_FALSE(shapes(1, true, 132).contains(ConvShape::tensor_four_by_four));
  CHECK(shapes(4000, true, 8).contains(ConvShape::tensor_four_by_four));
  CHECK_FALSE(shapes(4000, true, 8).contains(ConvShape::tensor_split));
  CHECK(shapes(4000, true, 8).contains(ConvShape::one_by_four));  // the last, of one output
  CHECK(shapes(4000, false, 8) ==
        std::set<ConvShape>{ConvShape::four_by_eight, ConvShape::one_by_four});
}

TEST_CASE("a stream's memory grows with the block and not with the signal") {
  const auto bytes = [](int block) {
    return pack_block_model(resblock_plan(1, 64), {Precision::f32, 1, block, 1}).stream_bytes;
  };
  // Histories of a block of 1: at most 7 taps 3 apart, of values of 128 bytes a frame.
  CHECK(bytes(1) < 100'000);
  CHECK(bytes(100) > bytes(1));
  const double each = static_cast<double>(bytes(2000) - bytes(1000)) / 1000.0;
  CHECK(static_cast<double>(bytes(1000) - bytes(100)) / 900.0 == Approx(each).epsilon(0.05));
}

TEST_CASE("in f16 wide values are halves, the output and spectra are not") {
  const BlockPlan plan = vocos_plan(2, 32, 1, 32);
  const BlockModel model = pack_block_model(plan, {Precision::f16, 1, 4, 1}, true);
  for (const Ring& ring : model.rings) {
    CAPTURE(ring.value, ring.channels);
    CHECK(ring.half == (ring.channels % 8 == 0 && ring.channels != 34 &&
                                ring.value < static_cast<int>(plan.values.size())
                            ? 1
                            : 0));
  }
  CHECK(model.rings[static_cast<std::size_t>(plan.output)].half == 0);
  CHECK(model.image.size() < pack_block_model(plan, {Precision::f32, 1, 4, 1}, true).image.size());
}

}  // namespace
}  // namespace ondes::gpu
