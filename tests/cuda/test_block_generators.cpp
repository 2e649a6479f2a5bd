// Whole generators as models/ compiles them, on the emulated device, against the judge: every kind
// of HiFi-GAN, BigVGAN's anti-aliased Snake and the inverse-STFT head among them.
#include <catch2/catch.hpp>

#include "cuda/block/runner.h"
#include "tests/cuda/block_kernel_rig.h"
#include "tests/cuda/emulated_block_device.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/largest_difference.h"

namespace ondes::gpu {
namespace {

constexpr int kFrames = 7;

TEST_CASE("every kind of generator gives the CPU's samples in f32, to the last bit") {
  for (const auto& [name, config] : small_hifigans()) {
    const BlockPlan plan = random_hifigan(config, 5);
    const std::vector<float> mel = random_mel(kFrames, config.mel_bands, 3);
    const ConstFrames view(mel.data(), kFrames, config.mel_bands);
    const std::vector<float> expected = evaluate_block_plan(plan, {&view, 1});
    for (const int block : {1, kFrames}) {
      CAPTURE(name, block);
      const auto runner = make_device_block_runner(emulated_block_device(ThreadOrder::shuffled),
                                                   plan, {Precision::f32, 1, block, 1});
      const std::vector<float> found = run_blocks(*runner, view, std::vector<int>{block});
      REQUIRE(first_difference(found, expected) == -1);
    }
  }
}

// Samples within 1, of some hundred layers in halves: the bound that the bench holds V1 to.
TEST_CASE("every kind of generator in f16 stays within 0.02 of f32, the same for every block") {
  for (const auto& [name, config] : small_hifigans()) {
    const BlockPlan plan = random_hifigan(config, 5);
    const std::vector<float> mel = random_mel(kFrames, config.mel_bands, 3);
    const ConstFrames view(mel.data(), kFrames, config.mel_bands);
    const std::vector<float> expected = evaluate_block_plan(plan, {&view, 1});
    std::vector<float> first;
    for (const int block : {1, kFrames}) {
      CAPTURE(name, block);
      const auto runner = make_device_block_runner(emulated_block_device(ThreadOrder::forwards),
                                                   plan, {Precision::f16, 1, block, 1});
      const std::vector<float> found = run_blocks(*runner, view, std::vector<int>{block});
      CHECK(largest_difference(found, expected) < 0.02);
      first = first.empty() ? found : first;
      CHECK(first_difference(found, first) == -1);
    }
  }
}

}  // namespace
}  // namespace ondes::gpu
