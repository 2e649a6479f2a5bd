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

// A plan whose convolutions fit tensor cores: 40 -> 64 -> 32 channels, a transposed one, a residual.
class TensorPlan {
 public:
  explicit TensorPlan(unsigned seed) : random_(seed) {
    plan_.sample_rate_hz = 8000;
    plan_.values = {{40, {}, "in"},     {64, {}, "a"},       {64, {}, "a.mapped"},
                    {32, {4, 1}, "up"}, {32, {4, 1}, "act"}, {32, {4, 1}, "b"},
                    {1, {4, 1}, "out"}};
    plan_.inputs = {0};
    plan_.output = 6;
    BlockConv first;
    first.input = 0;
    first.taps = 3;
    first.pad_left = first.pad_right = 1;
    first.weights = numbers(64, 40 * 3);
    first.bias = numbers(64, 1);
    first.to.output = 1;
    first.to.mapped = 2;
    first.to.map = {MapKind::leaky_relu, 0.1F, {}, {}};
    BlockTransposedConv up;
    up.input = 2;
    up.taps = 9;
    up.stride = 4;
    up.trim_left = 2;
    up.trim_right = 3;
    up.weights = numbers(64, 32 * 9);
    up.bias = numbers(32, 1);
    up.to.output = 3;
    up.to.mapped = 4;
    up.to.map = {MapKind::tanh, 0.0F, {}, {}};
    BlockConv same;
    same.input = 4;
    same.taps = 5;
    same.dilation = 3;
    same.pad_left = same.pad_right = 6;
    same.padding = BlockPadding::reflect;
    same.weights = numbers(32, 32 * 5);
    same.to.residual = 3;
    same.to.scale = 0.5F;
    same.to.output = 5;
    BlockConv last;
    last.input = 5;
    last.taps = 7;
    last.pad_left = last.pad_right = 3;
    last.weights = numbers(1, 32 * 7);
    last.to.output = 6;
    plan_.ops = {first, up, same, last};
  }
  const BlockPlan& plan() const { return plan_; }

 private:
  std::span<const float> numbers(int outputs, int inputs) {
    std::normal_distribution<float> normal(0.0F, 1.0F / std::sqrt(static_cast<float>(inputs)));
    std::vector<float> values(static_cast<std::size_t>(outputs * inputs));
    for (float& value : values) {
      value = normal(random_);
    }
    return memory_.emplace_back(std::move(values));
  }

  std::mt19937 random_;
  std::list<std::vector<float>> memory_;
  BlockPlan plan_;
};

double relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0.0;
  double power = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    error += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
    power += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / power);
}

TEST_CASE("in f16 tensor cores keep within a thousandth of f32, and every cutting gives the same") {
  const TensorPlan rig(1);
  const BlockPlan& plan = rig.plan();
  const BlockSignal signal(plan, 90, 3);
  const std::vector<float> expected = judged(plan, signal);
  std::vector<float> first;
  for (const int block : {90, 1, 7, 64}) {
    for (const int multiprocessors : {1, 8, 132}) {
      const auto order = kOrders[(block + multiprocessors) % 3];
      const auto runner = make_device_block_runner(emulated_block_device(order, multiprocessors),
                                                   plan, {Precision::f16, 1, block, 1});
      CAPTURE(block, multiprocessors);
      const std::vector<float> found = played(*runner, plan, signal, {block});
      REQUIRE(found.size() == expected.size());
      first = first.empty() ? found : first;
      CHECK(first_difference(found, first) == -1);
    }
  }
  // A half rounds by 2^-12 relative to its number on average; inputs, weights and values between
  // do so at five places, whose errors add as squares: 5e-4.
  CHECK(relative_error(first, expected) < 1e-3);
  CHECK(relative_error(first, expected) > 1e-5);  // it is not f32 that ran
}

}  // namespace
}  // namespace ondes::gpu
