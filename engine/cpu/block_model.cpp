// A block plan as nodes: what every operation becomes, which convolutions meet 8 bits.
#include <algorithm>
#include <cmath>

#include "engine/cpu/block_model_internal.h"
#include "engine/cpu/block_packing_internal.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

// Channels quieter than this part of the loudest are not given finer steps: their steps, squared,
// would leave the range of numbers, and nobody hears them.
constexpr float kLeastWidth = 1e-6F;
constexpr double kExactShare = 0.05;  // of a plan's multiplications

class Builder {
 public:
  Builder(const BlockPlan& plan,
          const BlockRunnerOptions& options,
          const BlockKernels& kernels,
          BlockModel* model)
      : plan_(plan), options_(options), packer_(kernels.lanes), model_(*model) {}

  void build() {
    std::span<const BlockRange> ranges(plan_.ranges);
    for (const BlockValue& one : plan_.values) {
      const BlockValueId id = add_value(one.channels, one.rate);
      if (!ranges.empty()) {
        set_steps(ranges.first(at(one.channels)), &value(id));
        ranges = ranges.subspan(at(one.channels));
      }
    }
    choose_exact();
    model_.inputs = plan_.inputs;
    model_.output = plan_.output;
    for (const BlockOp& op : plan_.ops) {
      std::visit([this](const auto& one) { add(one); }, op);
    }
    lay_out_block_model(options_.max_block_frames, &packer_, &model_);
    const std::span<const float> parameters = packer_.parameters();
    model_.weights.allocate(parameters.size_bytes());
    std::copy(parameters.begin(), parameters.end(), model_.parameters());
  }

 private:
  BlockValueId add_value(int channels, BlockRate rate) {
    ValueLayout value;
    value.byte_width = frame_bytes(channels);
    value.scales.assign(at(channels), 1.0F);
    value.zeros.assign(at(value.byte_width), 0);
    value.channels = channels;
    value.width = frame_width(channels);
    value.rate = rate;
    model_.values.push_back(std::move(value));
    return static_cast<BlockValueId>(model_.values.size()) - 1;
  }

  // Steps of 8 bits, a channel each. A channel gets the geometric mean of its own width and the
  // widest one's: fine steps where it is quiet, and room for what calibration did not hear.
  static void set_steps(std::span<const BlockRange> ranges, ValueLayout* value) {
    // Zero is a byte of its own, so that padding is exact.
    const auto width = [](const BlockRange& range) {
      return std::max(range.high, 0.0F) - std::min(range.low, 0.0F);
    };
    float widest = 0.0F;
    for (const BlockRange& range : ranges) {
      widest = std::max(widest, width(range));
    }
    for (std::size_t c = 0; c < ranges.size(); ++c) {
      const float own = std::max(width(ranges[c]), kLeastWidth * widest);
      if (own > 0.0F) {
        value->scales[c] = std::sqrt(own) * std::sqrt(widest) / 255.0F;
        const float share = -std::min(ranges[c].low, 0.0F) / own;
        value->zeros[c] = static_cast<std::uint8_t>(std::lround(255.0F * share));
      }
    }
  }
  // The first transposed convolutions stay as they are: everything behind them repeats their error,
  // and they are a small part of the work.
  void choose_exact() {
    const double most = kExactShare * macs_per_frame(plan_);
    double macs = 0.0;
    for (const BlockOp& op : plan_.ops) {
      const auto* up = std::get_if<BlockTransposedConv>(&op);
      if (up != nullptr && up->groups == 1) {
        macs += static_cast<double>(up->weights.size()) * rate_of(value(up->input));
        if (macs <= most) {
          exact_.push_back(up->weights.data());
        }
      }
    }
  }

  std::size_t reserve_state(int floats) {
    const std::size_t first = model_.state_floats;
    model_.state_floats += at(padded_floats(floats));
    return first;
  }

  MapParameters map_of(const BlockMap& map, int channels) {
    MapParameters parameters;
    parameters.kind = map.kind;
    parameters.slope = map.slope;
    if (map.kind == MapKind::snake) {
      // A panel's second vector may begin beyond the frame: one vector pair more.
      parameters.alpha = packer_.store(map.alpha, frame_width(channels) + 2 * kFrameAlignment);
      parameters.inverse_beta =
          packer_.store(map.inverse_beta, frame_width(channels) + 2 * kFrameAlignment);
    }
    return parameters;
  }

  void set_epilogue(const BlockEpilogue& to, BlockNode* node) {
    node->output = to.output;
    node->mapped = to.mapped;
    node->residual = to.residual;
    node->scale = to.scale;
    if (to.mapped != kNoValue) {
      node->map = map_of(to.map, value(to.mapped).channels);
    }
  }
  void push(BlockNode node) {
    node.inputs = inputs_of(node.op);
    node.outputs = outputs_of(node.op);
    model_.nodes.push_back(std::move(node));
  }
  ValueLayout& value(BlockValueId id) { return model_.values[at(id)]; }
  int output_channels(const BlockEpilogue& to) {
    return value(to.output != kNoValue ? to.output : to.mapped).channels;
  }

  BlockValueId add_pad(BlockValueId input, BlockPadding padding, int left, int right) {
    BlockNode node;
    node.kind = NodeKind::pad;
    node.padding = padding;
    node.pad_left = left;
    node.pad_right = right;
    node.inputs = {input};
    node.output = add_value(value(input).channels, value(input).rate);
    value(node.output).scales = value(input).scales;
    value(node.output).zeros = value(input).zeros;
    node.outputs = {node.output};
    model_.nodes.push_back(node);
    return node.output;
  }

  // Convolutions worth 8 bits. Their sums of at most 127 * 255 a product stay within 31 bits; the
  // plan's own inputs (features with an offset) keep their precision.
  bool is_integer(BlockValueId input, int outputs, int groups, int taps) {
    const int inputs = value(input).channels;
    const bool from_outside =
        std::find(plan_.inputs.begin(), plan_.inputs.end(), input) != plan_.inputs.end();
    return options_.precision == Precision::i8 && groups == 1 && inputs >= kFrameAlignment &&
           outputs >= kFrameAlignment && std::int64_t{taps} * inputs <= 65536 && !from_outside;
  }

  void add(const BlockConv& from) {
    BlockConv op = from;
    if (op.padding != BlockPadding::zero && op.pad_left + op.pad_right > 0) {
      op.input = add_pad(op.input, op.padding, op.pad_left, op.pad_right);
      op.pad_left = 0;
      op.pad_right = 0;
    }
    op.padding = BlockPadding::zero;
    BlockNode node;
    const int inputs = value(op.input).channels;
    const int outputs = output_channels(op.to);
    const int group_inputs = inputs / op.groups;
    node.stride = op.stride;
    node.dilation = op.dilation;
    node.macs = static_cast<double>(op.weights.size());
    node.bias = packer_.store(op.bias, padded_floats(outputs) + 2 * kFrameAlignment);
    set_epilogue(op.to, &node);
    const auto weight = [&](int o, int k, int i) {
      return op.weights[at((std::int64_t{o} * group_inputs + i) * op.taps + k)];
    };
    ConvPhase phase;
    phase.taps = op.taps;
    if (op.groups > 1 && op.groups == inputs && op.groups == outputs) {
      node.kind = NodeKind::depthwise;
      phase.panels = packer_.pack_depthwise(outputs, op.taps, weight);
    } else if (op.groups == 1 && op.stride == 1 && outputs <= kNarrowOutputs &&
               inputs * op.taps >= kFrameAlignment) {
      node.kind = NodeKind::narrow;
      phase.panels = packer_.pack_narrow(outputs, inputs, op.taps, weight);
      model_.scratch_floats =
          std::max(model_.scratch_floats, at(inputs) * at(narrow_pitch(op.taps, op.dilation)));
    } else {
      node.kind = NodeKind::conv;
      node.integer = is_integer(op.input, outputs, op.groups, op.taps);
      phase.panels = node.integer ? packer_.pack_i8(value(op.input), outputs, op.taps, weight)
                                  : packer_.pack(outputs, inputs, op.groups, op.taps, weight);
    }
    node.phases = {phase};
    node.op = op;
    push(std::move(node));
  }

  void add(const BlockTransposedConv& from) {
    BlockTransposedConv op = from;
    if (op.replicate_left + op.replicate_right > 0) {
      op.input = add_pad(op.input, BlockPadding::replicate, op.replicate_left, op.replicate_right);
      op.replicate_left = 0;
      op.replicate_right = 0;
    }
    BlockNode node;
    const int inputs = value(op.input).channels;
    const int outputs = output_channels(op.to);
    const int group_inputs = inputs / op.groups;
    const int group_outputs = outputs / op.groups;
    node.macs = static_cast<double>(op.weights.size()) / op.stride;
    node.bias = packer_.store(op.bias, padded_floats(outputs) + 2 * kFrameAlignment);
    set_epilogue(op.to, &node);
    const bool depthwise = op.groups > 1 && op.groups == inputs && op.groups == outputs;
    node.kind = depthwise ? NodeKind::depthwise : NodeKind::conv;
    node.integer = !depthwise && is_integer(op.input, outputs, op.groups, op.taps) &&
                   std::find(exact_.begin(), exact_.end(), op.weights.data()) == exact_.end();
    for (int first = 0; first < op.stride; ++first) {
      // Results u with u mod stride = first: taps first, first + stride, ..., the oldest frame last.
      ConvPhase phase;
      phase.taps = first < op.taps ? (op.taps - first - 1) / op.stride + 1 : 0;
      const auto weight = [&](int o, int k, int i) {
        const int tap = first + (phase.taps - 1 - k) * op.stride;
        const std::int64_t row = std::int64_t{o / group_outputs} * group_inputs + i;
        return op.weights[at((row * group_outputs + o % group_outputs) * op.taps + tap)];
      };
      phase.panels = depthwise      ? packer_.pack_depthwise(outputs, phase.taps, weight)
                     : node.integer ? packer_.pack_i8(value(op.input), outputs, phase.taps, weight)
                                    : packer_.pack(outputs, inputs, op.groups, phase.taps, weight);
      node.phases.push_back(std::move(phase));
    }
    node.op = op;
    push(std::move(node));
  }

  void add(const BlockSum& from) {
    BlockSum op = from;
    while (op.inputs.size() > kMostSummed) {
      const ValueLayout like = value(op.inputs[0]);
      BlockNode part;
      part.kind = NodeKind::sum;
      part.output = add_value(like.channels, like.rate);
      const auto first = op.inputs.begin();
      part.op = BlockSum{{first, first + kMostSummed}, 1.0F, part.output, {}, kNoValue};
      op.inputs.erase(first, first + kMostSummed);
      op.inputs.insert(op.inputs.begin(), part.output);
      push(std::move(part));
    }
    BlockNode node;
    node.kind = NodeKind::sum;
    node.op = op;
    node.output = op.output;
    node.mapped = op.mapped;
    node.scale = op.scale;
    if (op.mapped != kNoValue) {
      node.map = map_of(op.map, value(op.mapped).channels);
    }
    push(std::move(node));
  }
  void add(const BlockGate& op) {
    BlockNode node;
    node.kind = NodeKind::gate;
    node.op = op;
    node.output = op.output;
    node.map = map_of(op.first, value(op.output).channels);
    node.second = map_of(op.second, value(op.output).channels);
    push(std::move(node));
  }
  void add(const BlockLayerNorm& op) {
    BlockNode node;
    node.kind = NodeKind::norm;
    node.op = op;
    node.output = op.output;
    node.epsilon = op.epsilon;
    node.gain = packer_.store(op.gain, value(op.output).width);
    node.bias = packer_.store(op.bias, value(op.output).width);
    push(std::move(node));
  }

  void add(const BlockLstm& op) {
    BlockNode node;
    node.kind = NodeKind::lstm;
    node.op = op;
    node.output = op.output;
    int widest = 0;
    for (const BlockLstmLayer& layer : op.layers) {
      PackedLstmLayer packed;
      packed.inputs = layer.inputs;
      packed.hidden = layer.hidden;
      packed.width = padded_floats(layer.hidden);
      const int width = packed.width;
      const int h = layer.hidden;
      packed.panels = packer_.pack(4 * width, layer.inputs + h, 1, 1, [&](int o, int, int i) {
        const int unit = o % width;
        const std::int64_t row = std::int64_t{o / width} * h + unit;
        if (unit >= h) {
          return 0.0F;
        }
        return i < layer.inputs ? layer.input_weights[at(row * layer.inputs + i)]
                                : layer.hidden_weights[at(row * h + i - layer.inputs)];
      });
      packed.bias = packer_.reserve(at(4 * width));
      for (int g = 0; g < 4; ++g) {
        std::copy_n(layer.bias.begin() + std::ptrdiff_t{g} * h, h,
                    packer_.at_offset(packed.bias + at(g * width)));
      }
      packed.hidden_at = reserve_state(layer.inputs + width);
      packed.cell_at = reserve_state(width);
      packed.initial_hidden.assign(layer.initial_hidden.begin(), layer.initial_hidden.end());
      packed.initial_cell.assign(layer.initial_cell.begin(), layer.initial_cell.end());
      widest = std::max(widest, width);
      node.layers.push_back(std::move(packed));
    }
    node.gates_at = reserve_state(4 * widest);
    push(std::move(node));
  }

  void add(const BlockInverseStft& op) {
    BlockNode node;
    node.kind = NodeKind::inverse_stft;
    node.op = op;
    node.output = op.output;
    node.spectral = SpectralFrame(op);
    node.window.assign(op.window.begin(), op.window.end());
    node.overlap_at = reserve_state(op.fft_size);
    node.envelope_at = reserve_state(op.fft_size);
    node.samples_at = reserve_state(op.fft_size);
    node.scratch_at = reserve_state(node.spectral.scratch_size());
    push(std::move(node));
  }

  const BlockPlan& plan_;
  const BlockRunnerOptions& options_;
  BlockPacker packer_;
  BlockModel& model_;
  std::vector<const float*> exact_;  // weights that keep their precision
};

}  // namespace

std::int64_t BlockNode::available(std::int64_t frames) const {
  if (kind != NodeKind::pad) {
    return frames_available(op, frames);
  }
  const bool edge_known = padding == BlockPadding::reflect ? frames > pad_left : frames > 0;
  return edge_known ? frames + pad_left : 0;
}

std::int64_t BlockNode::in_all(std::int64_t frames) const {
  if (kind != NodeKind::pad) {
    return frames_in_all(op, frames);
  }
  return frames == 0 ? 0 : frames + pad_left + pad_right;
}

std::int64_t BlockNode::first_needed(std::size_t i, std::int64_t made, std::int64_t end) const {
  if (kind == NodeKind::pad) {
    // The far edge mirrors the last frames, the near one the first.
    const std::int64_t far = std::max<std::int64_t>(end - pad_right - 1, 0);
    return std::min(std::max<std::int64_t>(made <= pad_left ? 0 : made - pad_left, 0), far);
  }
  return i == 0 ? first_frame_read(op, made) : made;
}

BlockModel::BlockModel(const BlockPlan& plan,
                       const BlockRunnerOptions& options,
                       const BlockKernels& kernels) {
  Builder(plan, options, kernels, this).build();
}

}  // namespace ondes
