// A step runner without a network: a lane's sample is half the cosine of its note's phase plus a
// little of the lane's own random stream. Timing, pitch, identity and company are then visible in
// the samples, exactly, and no weights are needed.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "engine/plan/step_runner.h"
#include "engine/random/philox.h"

namespace ondes {

class FakeStepRunner : public StepRunner {
 public:
  FakeStepRunner(int max_lanes, int max_block_samples)
      : max_lanes_(max_lanes), max_block_samples_(max_block_samples) {
    next_sample_.resize(static_cast<std::size_t>(max_lanes), -1);
  }
  void start(int slot) noexcept override { next_sample_[static_cast<std::size_t>(slot)] = 0; }
  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    ++calls;
    volatile float smallest = std::numeric_limits<float>::min();
    flushes_denormals = smallest * 0.5F == 0.0F;
    contract_broken |= samples < 1 || samples > max_block_samples_;
    for (const StepLane& lane : lanes) {
      const auto slot = static_cast<std::size_t>(lane.slot);
      contract_broken |= next_sample_[slot] != lane.first_sample;
      contract_broken |=
          lane.first_sample == 0 && (lane.row_starts.empty() || lane.row_starts[0] != 0);
      next_sample_[slot] += samples;
      for (int t = 0; t < samples; ++t) {
        const PhiloxBlock draw = philox_draw(lane.seed, lane.identity,
                                             static_cast<std::uint64_t>(lane.first_sample + t));
        lane.output[static_cast<std::size_t>(t)] =
            0.5F * lane.sample_features[t][0] + 0.001F * uniform_open(draw[0]) * lane.temperature;
      }
    }
  }
  void set_probe(StepProbe*) override {}
  int max_lanes() const noexcept override { return max_lanes_; }
  int max_block_samples() const noexcept override { return max_block_samples_; }
  std::string description() const override { return "fake"; }

  int calls = 0;
  bool flushes_denormals = false;  // the mode of the last call
  bool contract_broken = false;  // a lane was not started, skipped samples, or lacked its first row

 private:
  int max_lanes_;
  int max_block_samples_;
  std::vector<std::int64_t> next_sample_;
};

}  // namespace ondes
