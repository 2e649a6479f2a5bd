// The kernels of block plans in the emulator against the CPU's judge, to the last bit: random graphs,
// blocks, thread orders, orders of launches.
#include <catch2/catch.hpp>
#include <cmath>

#include "cuda/block_device_runner.h"
#include "engine/cpu/reference_block_plan.h"
#include "tests/cuda/emulated_block_device.h"
#include "tests/support/block_rig.h"
#include "tests/support/thrown_error.h"

namespace ondes::gpu {
namespace {

std::vector<float> judged(const BlockPlan& plan, const BlockSignal& signal) {
  return evaluate_block_plan(plan, signal.part(0, signal.plan_frames));
}

// Where two signals differ first; -1 if nowhere. NaN equals NaN.
long long first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] != b[i] && !(std::isnan(a[i]) && std::isnan(b[i]))) {
      return static_cast<long long>(i);
    }
  }
  return a.size() == b.size() ? -1 : static_cast<long long>(std::min(a.size(), b.size()));
}

constexpr ThreadOrder kOrders[] = {ThreadOrder::forwards, ThreadOrder::backwards,
                                   ThreadOrder::shuffled};

TEST_CASE("random graphs in random blocks and thread orders equal the judge to the last bit") {
  for (unsigned seed = 0; seed < 120; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    const int frames =
        seed % 10 == 0 ? static_cast<int>(seed / 10 % 4) : 5 + static_cast<int>(seed % 60);
    const BlockSignal signal(plan, frames, seed);
    const std::vector<float> expected = judged(plan, signal);
    for (const int block : {1, 7, 64}) {
      const ThreadOrder order = kOrders[(seed + static_cast<unsigned>(block)) % 3];
      // Few multiprocessors: convolutions in large tiles; many: in small ones.
      const int multiprocessors = seed % 2 == 0 ? 1 : 132;
      const auto runner = make_device_block_runner(
          emulated_block_device(order, seed % 5 == 0 ? 0 : multiprocessors), plan,
          {Precision::f32, 1, block, 1});
      CAPTURE(seed, block, frames, multiprocessors);
      const std::vector<int> blocks =
          block == 7 ? std::vector<int>{7, 1, 3, 0, 5} : std::vector<int>{block};
      const std::vector<float> found = played(*runner, plan, signal, blocks);
      CHECK(found.size() == expected.size());
      REQUIRE(first_difference(found, expected) == -1);
    }
  }
}

}  // namespace
}  // namespace ondes::gpu
