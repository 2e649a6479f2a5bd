#include "cuda/roofline.h"

#include "cuda/step_pack.h"

namespace ondes {

StepCost step_cost(const StepPlan& plan, Precision precision) {
  const gpu::StepModelView view = gpu::pack_step_model(plan, precision).view;
  const auto quads = [](const gpu::MatrixView& matrix, int layers) {
    return 1.0 * layers * matrix.quads * matrix.outputs;
  };
  const double weights = quads(view.current, view.layers) + quads(view.past, view.layers) +
                         quads(view.update, view.layers - 1) + quads(view.skip_product, 1) +
                         quads(view.head_product, 1) + quads(view.output_product, 1);
  StepCost cost;
  cost.weight_bytes = 16.0 * weights;
  // A vector written and K-1 read a layer, and the conditioning of every gate.
  cost.state_bytes =
      16.0 * view.layers * view.taps * view.quads_r + 4.0 * view.layers * 2 * view.gate;
  cost.macs = static_cast<double>(macs_per_sample(plan));
  return cost;
}

}  // namespace ondes
