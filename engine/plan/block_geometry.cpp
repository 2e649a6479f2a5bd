#include "engine/plan/block_geometry.h"

#include <algorithm>

namespace ondes {
namespace {

std::size_t index(BlockValueId id) {
  return static_cast<std::size_t>(id);
}

void add_outputs(const BlockValueId first,
                 const BlockValueId second,
                 std::vector<BlockValueId>* ids) {
  for (const BlockValueId id : {first, second}) {
    if (id != kNoValue) {
      ids->push_back(id);
    }
  }
}

// Division that rounds towards minus infinity.
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

std::int64_t conv_frames(const BlockConv& conv, std::int64_t padded_frames) {
  const std::int64_t reach = std::int64_t{conv.dilation} * (conv.taps - 1) + 1;
  return padded_frames < reach ? 0 : (padded_frames - reach) / conv.stride + 1;
}

struct InputsOf {
  std::vector<BlockValueId> operator()(const BlockSum& op) const { return op.inputs; }
  std::vector<BlockValueId> operator()(const BlockConv& op) const { return with(op.input, op.to); }
  std::vector<BlockValueId> operator()(const BlockTransposedConv& op) const {
    return with(op.input, op.to);
  }
  template <class Op>
  std::vector<BlockValueId> operator()(const Op& op) const {
    return {op.input};
  }
  static std::vector<BlockValueId> with(BlockValueId input, const BlockEpilogue& to) {
    std::vector<BlockValueId> ids{input};
    if (to.residual != kNoValue) {
      ids.push_back(to.residual);
    }
    return ids;
  }
};

struct OutputsOf {
  std::vector<BlockValueId> operator()(const BlockConv& op) const {
    return both(op.to.output, op.to.mapped);
  }
  std::vector<BlockValueId> operator()(const BlockTransposedConv& op) const {
    return both(op.to.output, op.to.mapped);
  }
  std::vector<BlockValueId> operator()(const BlockSum& op) const {
    return both(op.output, op.mapped);
  }
  template <class Op>
  std::vector<BlockValueId> operator()(const Op& op) const {
    return both(op.output, kNoValue);
  }
  static std::vector<BlockValueId> both(BlockValueId first, BlockValueId second) {
    std::vector<BlockValueId> ids;
    add_outputs(first, second, &ids);
    return ids;
  }
};

struct KindName {
  std::string operator()(const BlockConv&) const { return "conv"; }
  std::string operator()(const BlockTransposedConv&) const { return "transposed conv"; }
  std::string operator()(const BlockSum&) const { return "sum"; }
  std::string operator()(const BlockGate&) const { return "gate"; }
  std::string operator()(const BlockLayerNorm&) const { return "layer norm"; }
  std::string operator()(const BlockLstm&) const { return "lstm"; }
  std::string operator()(const BlockInverseStft&) const { return "inverse stft"; }
};

struct Available {
  std::int64_t frames;
  std::int64_t operator()(const BlockConv& op) const {
    // A reflected edge is known only with the frames it mirrors, a replicated one with the first.
    if (op.padding == BlockPadding::reflect && op.pad_left > 0 && frames <= op.pad_left) {
      return 0;
    }
    if (op.padding == BlockPadding::replicate && frames == 0) {
      return 0;
    }
    return conv_frames(op, frames + op.pad_left);
  }
  std::int64_t operator()(const BlockTransposedConv& op) const {
    if (frames == 0) {
      return 0;
    }
    // Input frame s reaches results from s * stride on: those before the first unknown are final,
    // as far as they exist should the signal end here.
    const std::int64_t known = frames + op.replicate_left;
    const std::int64_t final_results =
        std::min(known * op.stride, (known - 1) * op.stride + op.taps - op.trim_right);
    return std::max<std::int64_t>(final_results - op.trim_left, 0);
  }
  std::int64_t operator()(const BlockInverseStft& op) const {
    const std::int64_t cut = op.centred ? op.fft_size / 2 : 0;
    return std::max<std::int64_t>(frames * op.hop_samples - cut, 0);
  }
  template <class Op>
  std::int64_t operator()(const Op&) const {
    return frames;
  }
};

struct InAll {
  std::int64_t frames;
  std::int64_t operator()(const BlockConv& op) const {
    return frames == 0 && op.padding != BlockPadding::zero
               ? 0
               : conv_frames(op, frames + op.pad_left + op.pad_right);
  }
  std::int64_t operator()(const BlockTransposedConv& op) const {
    if (frames == 0) {
      return 0;
    }
    const std::int64_t results =
        (frames + op.replicate_left + op.replicate_right - 1) * op.stride + op.taps;
    return std::max<std::int64_t>(results - op.trim_left - op.trim_right, 0);
  }
  std::int64_t operator()(const BlockInverseStft& op) const {
    if (frames == 0) {
      return 0;
    }
    const std::int64_t samples = (frames - 1) * op.hop_samples + op.fft_size;
    return std::max<std::int64_t>(samples - (op.centred ? 2 * (op.fft_size / 2) : 0), 0);
  }
  template <class Op>
  std::int64_t operator()(const Op&) const {
    return frames;
  }
};

struct FirstRead {
  std::int64_t t;
  std::int64_t operator()(const BlockConv& op) const { return t * op.stride - op.pad_left; }
  std::int64_t operator()(const BlockTransposedConv& op) const {
    // The smallest s with s * stride + taps - 1 >= t + trim_left.
    const std::int64_t result = t + op.trim_left;
    return floor_div(result - op.taps, op.stride) + 1 - op.replicate_left;
  }
  std::int64_t operator()(const BlockInverseStft& op) const {
    const std::int64_t sample = t + (op.centred ? op.fft_size / 2 : 0);
    return floor_div(sample - op.fft_size, op.hop_samples) + 1;
  }
  template <class Op>
  std::int64_t operator()(const Op&) const {
    return t;
  }
};

}  // namespace

std::vector<BlockValueId> inputs_of(const BlockOp& op) {
  return std::visit(InputsOf{}, op);
}
std::vector<BlockValueId> outputs_of(const BlockOp& op) {
  return std::visit(OutputsOf{}, op);
}
std::string kind_name(const BlockOp& op) {
  return std::visit(KindName{}, op);
}
std::int64_t frames_in_all(const BlockOp& op, std::int64_t input_frames) {
  return std::visit(InAll{input_frames}, op);
}
std::int64_t frames_available(const BlockOp& op, std::int64_t input_frames) {
  return std::min(std::visit(Available{input_frames}, op), frames_in_all(op, input_frames));
}
std::int64_t first_frame_read(const BlockOp& op, std::int64_t t) {
  return std::visit(FirstRead{t}, op);
}

std::vector<std::int64_t> frames_of_values(const BlockPlan& plan,
                                           std::int64_t plan_frames,
                                           bool all) {
  std::vector<std::int64_t> frames(plan.values.size(), 0);
  for (const BlockValueId id : plan.inputs) {
    frames[index(id)] = plan_frames * plan.values[index(id)].rate.up;
  }
  for (const BlockOp& op : plan.ops) {
    const std::vector<BlockValueId> inputs = inputs_of(op);
    const std::int64_t first = frames[index(inputs[0])];
    std::int64_t made = all ? frames_in_all(op, first) : frames_available(op, first);
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      made = std::min(made, frames[index(inputs[i])]);
    }
    for (const BlockValueId id : outputs_of(op)) {
      frames[index(id)] = made;
    }
  }
  return frames;
}

}  // namespace ondes
