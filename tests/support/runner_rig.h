// Drives step runners with made-up lanes, cut into blocks at random, and collects what they say.
//
// A lane's conditioning is a pure function of its identity and of time, so that the same lane can
// be repeated alone, in company, in other blocks, on another runner. Rows come every kRigHop
// samples.
#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/buffer.h"
#include "engine/plan/step_runner.h"
#include "engine/random/philox.h"
#include "models/wavenet/wavenet.h"

namespace ondes {

inline constexpr int kRigHop = 32;

struct RigLane {
  int slot = 0;
  std::uint64_t identity = 0;
  float temperature = 1.0F;
  std::span<const float> teacher{};  // (total), may be empty
};

struct RigResult {
  std::vector<float> output;
  std::vector<float> log_likelihood;
  friend bool operator==(const RigResult&, const RigResult&) = default;
};

class RunnerRig {
 public:
  RunnerRig(const StepPlan& plan, std::uint64_t seed = 7) : plan_(plan), seed_(seed) {}

  // Blocks of `block` samples, or of random lengths up to -block when it is negative. With
  // `interleave` the lanes of a block are handed over in turning order and in two calls.
  std::vector<RigResult> run(StepRunner& runner,
                             const std::vector<RigLane>& lanes,
                             int total,
                             int block,
                             bool interleave = false) const {
    std::vector<RigResult> results(lanes.size());
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      runner.start(lanes[i].slot);
      results[i].output.resize(static_cast<std::size_t>(total));
      results[i].log_likelihood.resize(lanes[i].teacher.size());
    }
    std::uint64_t draw = 0;
    for (int from = 0; from < total;) {
      int samples = block;
      if (block < 0) {
        const std::uint32_t random = philox_draw(seed_, 99, draw++)[0];
        samples = 1 + static_cast<int>(random % static_cast<std::uint32_t>(-block));
      }
      samples = std::min(samples, total - from);
      advance(runner, lanes, results, from, samples, interleave ? draw : 0);
      from += samples;
    }
    return results;
  }

  std::vector<float> teacher(std::uint64_t identity, int total) const {
    std::vector<float> values(static_cast<std::size_t>(total));
    for (std::size_t t = 0; t < values.size(); ++t) {
      values[t] = 0.4F * std::sin(0.05F * static_cast<float>(t + 3 * identity)) +
                  0.1F * noise(identity + 1000, t, 0);
    }
    return values;
  }

 private:
  struct Memory {
    Buffer rows;
    std::vector<int> starts;
    Buffer features;
  };

  float noise(std::uint64_t identity, std::uint64_t time, std::uint32_t channel) const {
    return 2.0F * uniform_open(philox_draw(seed_ + 1 + channel, identity, time)[1]) - 1.0F;
  }

  Memory conditioning(const RigLane& lane, int from, int samples) const {
    Memory memory;
    for (int t = 0; t < samples; ++t) {
      if ((from + t) % kRigHop == 0) {
        memory.starts.push_back(t);
      }
    }
    memory.rows.allocate(static_cast<int>(memory.starts.size()), plan_.row_features);
    for (std::size_t r = 0; r < memory.starts.size(); ++r) {
      const auto time = static_cast<std::uint64_t>(from + memory.starts[r]);
      for (int c = 0; c < plan_.row_features; ++c) {
        memory.rows.view()[static_cast<int>(r)][static_cast<std::size_t>(c)] =
            noise(lane.identity, time, static_cast<std::uint32_t>(c));
      }
    }
    memory.features.allocate(samples, plan_.sample_features);
    for (int t = 0; t < samples; ++t) {
      for (int c = 0; c < plan_.sample_features; ++c) {
        memory.features.view()[t][static_cast<std::size_t>(c)] =
            noise(lane.identity + 500, static_cast<std::uint64_t>(from + t),
                  static_cast<std::uint32_t>(c));
      }
    }
    return memory;
  }

  void advance(StepRunner& runner,
               const std::vector<RigLane>& lanes,
               std::vector<RigResult>& results,
               int from,
               int samples,
               std::uint64_t turn) const {
    std::vector<Memory> memories;
    std::vector<StepLane> calls;
    for (std::size_t n = 0; n < lanes.size(); ++n) {
      const std::size_t i = (n + turn) % lanes.size();
      memories.push_back(conditioning(lanes[i], from, samples));
      const Memory& memory = memories.back();
      StepLane call;
      call.slot = lanes[i].slot;
      call.first_sample = from;
      call.seed = seed_;
      call.identity = lanes[i].identity;
      call.temperature = lanes[i].temperature;
      call.rows = memory.rows.view();
      call.row_starts = memory.starts;
      call.sample_features = memory.features.view();
      const auto first = static_cast<std::size_t>(from);
      const auto count = static_cast<std::size_t>(samples);
      call.output = std::span<float>(results[i].output).subspan(first, count);
      if (!lanes[i].teacher.empty()) {
        call.teacher = lanes[i].teacher.subspan(first, count);
        call.log_likelihood = std::span<float>(results[i].log_likelihood).subspan(first, count);
      }
      calls.push_back(call);
    }
    // The spans above point into memory that moving a Memory does not move.
    const std::size_t half = turn == 0 ? calls.size() : turn % (calls.size() + 1);
    const std::span<const StepLane> all(calls);
    if (half > 0) {
      runner.process(all.first(half), samples);
    }
    if (half < calls.size()) {
      runner.process(all.subspan(half), samples);
    }
  }

  const StepPlan& plan_;
  std::uint64_t seed_;
};

// Shapes that meet every branch: odd channels, both taps, all distributions, both inputs.
struct RigShape {
  const char* name;
  WavenetConfig config;
  int row_features;
  int sample_features;
};

inline std::vector<RigShape> rig_shapes() {
  const auto shape = [](int r, int g, int s, int a, int taps, std::vector<int> dilations) {
    WavenetConfig config;
    config.residual_channels = r;
    config.gate_channels = g;
    config.skip_channels = s;
    config.head_channels = a;
    config.taps = taps;
    config.dilations = std::move(dilations);
    return config;
  };
  std::vector<RigShape> shapes;
  WavenetConfig odd = shape(5, 7, 11, 9, 3, {1, 2, 4, 1, 3});
  odd.encoder_channels = {6, 5};
  odd.mixture_components = 3;
  shapes.push_back({"odd channels, 3 taps, mixture", odd, 4, 3});
  WavenetConfig gaussian = shape(16, 16, 32, 24, 2, {1, 2, 4, 8, 16});
  gaussian.distribution = Distribution::gaussian;
  shapes.push_back({"even channels, 2 taps, Gaussian", gaussian, 6, 0});
  WavenetConfig classes = shape(20, 17, 40, 33, 2, {1, 5, 16, 2});
  classes.distribution = Distribution::mu_law_categorical;
  classes.input = InputKind::embedding;
  classes.classes = 61;
  shapes.push_back({"embedding, 2 taps, mu-law", classes, 0, 2});
  WavenetConfig wide = shape(80, 70, 200, 90, 2, {1, 2, 4, 8, 1, 2});
  wide.encoder_channels = {24};
  wide.mixture_components = 7;
  shapes.push_back({"several panels, 2 taps, mixture", wide, 9, 8});
  return shapes;
}

inline StepPlan rig_plan(const RigShape& shape) {
  return random_wavenet(shape.config, 24000, shape.row_features, shape.sample_features, 11);
}

}  // namespace ondes
