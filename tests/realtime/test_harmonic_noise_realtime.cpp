// process() and start() of the harmonic-plus-noise runner leave the heap alone, on the calling
// thread and on its workers' behalf, at every block size.
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/buffer.h"
#include "engine/cpu/runner_options.h"
#include "tests/support/allocation_counter.h"

namespace ondes {
namespace {

constexpr int kMaxBlock = 256;
constexpr int kLanes = 5;
constexpr int kFeatures = 4;

TEST_CASE("the counter catches an allocation") {
  const AllocationCounter counter;
  auto volatile_memory = std::make_unique<std::vector<int>>(100);
  CHECK(volatile_memory->size() == 100);
  CHECK(counter.count() > 0);
}

TEST_CASE("partials and noise neither allocate nor free") {
  constexpr int kPartials = 12;
  constexpr int kBands = 6;
  constexpr int kTaps = 64;
  const std::vector<float> weights((kPartials + kBands) * kFeatures, 0.1F);
  const std::vector<float> bias(kPartials + kBands, -1.0F);
  const std::vector<float> kernel(kTaps * kBands, 0.01F);
  HarmonicNoisePlan plan;
  plan.sample_rate_hz = 48000;
  plan.hop_samples = 64;
  plan.row_features = kFeatures;
  plan.sample_features = 1;
  plan.partials = kPartials;
  plan.noise_bands = kBands;
  plan.noise_taps = kTaps;
  plan.controls = {{kFeatures, kPartials + kBands, weights, bias, Activation::none}};
  plan.detune = {{kFeatures, kPartials, std::span(weights).first(kPartials * kFeatures),
                  std::span(bias).first(kPartials), Activation::none}};
  plan.noise_kernel = kernel;

  const Buffer rows(kMaxBlock, kFeatures);
  const Buffer features(kMaxBlock, 1);
  Buffer output(kLanes, kMaxBlock);
  std::vector<int> starts;
  for (int t = 0; t < kMaxBlock; t += 64) {
    starts.push_back(t);
  }
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 2}) {
      const auto runner = make_cpu_harmonic_noise_runner_for(
          isa, plan, {Precision::f32, kLanes, kMaxBlock, threads});
      for (const int samples : {1, 7, 64, kMaxBlock}) {
        std::vector<StepLane> lanes;
        const auto count = static_cast<std::size_t>((samples + 63) / 64);
        for (int i = 0; i < kLanes; ++i) {
          StepLane lane;
          lane.slot = i;
          lane.rows = rows.view().subview(0, static_cast<int>(count));
          lane.row_starts = std::span<const int>(starts).first(count);
          lane.sample_features = features.view().subview(0, samples);
          lane.output = output.view()[i].first(static_cast<std::size_t>(samples));
          lanes.push_back(lane);
        }
        const AllocationCounter counter;
        for (int i = 0; i < kLanes; ++i) {
          runner->start(i);
        }
        runner->process(lanes, samples);
        runner->process(std::span<const StepLane>(lanes).first(1), samples);
        const long long calls = counter.count();
        CAPTURE(samples, threads);
        CHECK(calls == 0);
      }
    }
  }
}

}  // namespace
}  // namespace ondes
