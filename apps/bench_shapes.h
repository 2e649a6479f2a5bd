// The networks that `ondes bench wavenet` measures, here and in LibTorch: A 256, L 20, dilations
// 1..512 twice, mu-law of 256 classes, embedded input, no conditioning. Any thread.
#pragma once
#include "engine/plan/step_plan.h"
#include "models/wavenet/wavenet.h"

namespace ondes {

struct BenchShape {
  int residual = 64;  // R = G
  int skip = 256;     // S
};

inline BenchShape bench_shape(int residual) {
  return {residual, residual == 32 ? 128 : 256};
}

inline StepPlan bench_plan(const BenchShape& shape) {
  WavenetConfig config;
  config.residual_channels = shape.residual;
  config.gate_channels = shape.residual;
  config.skip_channels = shape.skip;
  config.head_channels = 256;
  config.classes = 256;
  config.distribution = Distribution::mu_law_categorical;
  config.input = InputKind::embedding;
  for (int l = 0; l < 20; ++l) {
    config.dilations.push_back(1 << (l % 10));
  }
  return random_wavenet(config, 24000, 0, 0, 5);
}

}  // namespace ondes
