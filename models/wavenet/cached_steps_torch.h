// A step plan evaluated by LibTorch one sample at a time, with the past of every layer cached: what
// a careful user of LibTorch would write, as a yardstick for the step runners. One lane, float32.
//
// Unconditioned, embedded, categorical plans of two taps only (the benchmark's). A layer costs five
// operations on [1, channels] tensors: one matrix product over both taps, the gate, one product
// each for skip and residual. Set-up thread.
#pragma once
#include <torch/torch.h>

#include <vector>

#include "engine/plan/step_plan.h"

namespace ondes {

class CachedTorchSteps {
 public:
  // Copies the plan's weights. Throws Error{usage} for plans it does not cover.
  explicit CachedTorchSteps(const StepPlan& plan);

  // Logits (1, classes) after the class of the sample before.
  torch::Tensor step(std::int64_t previous_class);

 private:
  struct Layer {
    torch::Tensor conv;           // (2R, 2G): past tap over present tap
    torch::Tensor conv_bias;      // (2G)
    torch::Tensor residual;       // (G, R), undefined where there is none
    torch::Tensor residual_bias;  // (R)
    torch::Tensor skip;           // (G, S)
    torch::Tensor queue;          // (dilation, 1, R)
  };
  std::int64_t gate_ = 0;
  std::int64_t sample_ = 0;
  torch::Tensor embedding_, input_bias_;
  std::vector<Layer> layers_;
  torch::Tensor skip_bias_, head_, head_bias_, output_, output_bias_;
};

}  // namespace ondes
