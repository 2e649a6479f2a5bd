// The judge: step plans by plain loops, one lane and one sample at a time, in every precision.
//
// Follows the formula of engine/plan/step_plan.h line by line. Every output of a product is one sum
// over its inputs in ascending order by fused multiply-adds, beginning at its bias; a convolution
// goes on from the conditioning through its taps, oldest first. The fast runner repeats exactly
// these sums, so the two agree bit for bit. It is also what runs under ONDES_FORCE_ISA=scalar.
// Set-up thread: construction. Render thread: start(), process().
#pragma once
#include <cstdint>
#include <vector>

#include "engine/ops/quantization.h"
#include "engine/ops/sampling.h"
#include "engine/plan/step_runner.h"

namespace ondes {

class ReferenceStepRunner final : public StepRunner {
 public:
  // Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is.
  ReferenceStepRunner(const StepPlan& plan, const StepRunnerOptions& options);

  void start(int slot) noexcept ONDES_REALTIME override;
  void process(std::span<const StepLane> lanes, int samples) noexcept ONDES_REALTIME override;
  void set_probe(StepProbe* probe) override { probe_ = probe; }
  int max_lanes() const noexcept override { return options_.max_lanes; }
  int max_block_samples() const noexcept override { return options_.max_block_samples; }
  std::string description() const override;

 private:
  // y = init + W x in the runner's precision; integer ones in chunks of inputs.
  struct Product {
    int inputs = 0;
    int outputs = 0;
    Precision precision = Precision::f32;
    std::vector<float> weights;         // f32: (outputs, inputs)
    std::vector<QuantizedRows> chunks;  // i16, i8: along the inputs
  };
  struct Layer {
    std::vector<Product> taps;  // oldest first
    Product residual;
  };
  struct Slot {
    std::vector<std::vector<float>> history;  // a layer: ((K-1) d + 1, R)
    std::vector<float> conditioning;          // (L, 2G), bias included
    std::int64_t sample = 0;
    float last = 0.0F;
  };

  Product make_product(std::span<const float> weights,
                       int outputs,
                       int inputs,
                       Precision precision,
                       int chunk_inputs = 0) const;
  // `maximum` of |x|; 0 has it measured.
  void multiply(const Product& product,
                const float* x,
                const float* init,
                float* y,
                float maximum = 0.0F) noexcept;
  void set_row(Slot& slot, std::span<const float> row) noexcept;
  void step(const StepLane& lane, int t) noexcept;
  void input_layer(const Slot& slot, std::span<const float> features) noexcept;
  void gated_layer(Slot& slot, std::size_t layer) noexcept;

  StepPlan plan_;
  StepRunnerOptions options_;
  OutputSampler sampler_;
  std::vector<Layer> layers_;
  Product skip_;  // (S, L*G): all layers side by side
  Product head_;
  Product output_;
  std::vector<Slot> slots_;
  StepProbe* probe_ = nullptr;

  // Scratch of one step.
  std::vector<float> h_;         // (R)
  std::vector<float> h_all_;     // (L, R)
  std::vector<float> update_;    // (R)
  std::vector<float> a_;         // (2G)
  std::vector<float> z_;         // (L, G)
  std::vector<float> skip_sum_;  // (S)
  std::vector<float> hidden_;    // (A)
  std::vector<float> out_;       // (O)
  std::vector<float> scratch_;   // (O)
  std::vector<float> encoded_;   // the widest encoder layer, twice
  std::vector<std::int32_t> q_;  // the widest integer input
};

}  // namespace ondes
