#include "cuda/roofline.h"

#include "cuda/step/pack.h"

namespace ondes {
namespace {

// Channels of a value for every plan frame.
double numbers_of(const BlockPlan& plan, BlockValueId id) {
  if (id == kNoValue) {
    return 0.0;
  }
  const BlockValue& value = plan.values[static_cast<std::size_t>(id)];
  return 1.0 * value.channels * value.rate.up / value.rate.down;
}

struct Counter {
  const BlockPlan& plan;
  BlockCost cost;

  void read(BlockValueId id) { cost.values_read += numbers_of(plan, id); }
  void wrote(BlockValueId id) { cost.values_written += numbers_of(plan, id); }
  void trained(std::span<const float> numbers) {
    cost.parameters += static_cast<double>(numbers.size());
  }
  void map(const BlockMap& made) {
    trained(made.alpha);
    trained(made.inverse_beta);
  }
  void epilogue(const BlockEpilogue& to) {
    read(to.residual);
    wrote(to.output);
    map(to.map);
    wrote(to.mapped);
  }

  void operator()(const BlockConv& op) {
    read(op.input);
    trained(op.weights);
    trained(op.bias);
    epilogue(op.to);
  }
  void operator()(const BlockTransposedConv& op) {
    read(op.input);
    trained(op.weights);
    trained(op.bias);
    epilogue(op.to);
  }
  void operator()(const BlockSum& op) {
    for (const BlockValueId input : op.inputs) {
      read(input);
    }
    wrote(op.output);
    map(op.map);
    wrote(op.mapped);
  }
  void operator()(const BlockGate& op) {
    read(op.input);
    map(op.first);
    map(op.second);
    wrote(op.output);
  }
  void operator()(const BlockLayerNorm& op) {
    read(op.input);
    trained(op.gain);
    trained(op.bias);
    wrote(op.output);
  }
  void operator()(const BlockLstm& op) {
    read(op.input);
    for (const BlockLstmLayer& layer : op.layers) {
      trained(layer.input_weights);
      trained(layer.hidden_weights);
      trained(layer.bias);
    }
    wrote(op.output);
  }
  void operator()(const BlockInverseStft& op) {
    read(op.input);
    wrote(op.output);
  }
};

}  // namespace

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

BlockCost block_cost(const BlockPlan& plan) {
  Counter counter{plan, {}};
  for (const BlockOp& op : plan.ops) {
    std::visit(counter, op);
  }
  counter.cost.macs = macs_per_frame(plan);
  return counter.cost;
}

double DeviceRates::macs_per_s(Precision precision) const {
  switch (precision) {
    case Precision::f16:
      return f16_macs_per_s;
    case Precision::i16:
      return i16_macs_per_s;
    case Precision::i8:
      return i8_macs_per_s;
    default:
      return f32_macs_per_s;
  }
}

}  // namespace ondes
