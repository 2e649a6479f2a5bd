#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "engine/cpu/block_model_internal.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

int padded(int n) {
  return (n + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

// Floats of a frame in memory. Frames whose distance is a multiple of 512 bytes share a few sets of
// a cache; one line more spreads them.
int frame_width(int channels) {
  const int width = padded(channels);
  return width > kFrameAlignment && width % 128 == 0 ? width + kFrameAlignment : width;
}

// The same of 8-bit signals.
int frame_bytes(int channels) {
  const int width = padded(channels);
  return width % 512 == 0 ? width + 64 : width;
}

double rate_of(const ValueLayout& value) {
  return static_cast<double>(value.rate.up) / value.rate.down;
}

// Some four signals of a stage, each of this many bytes, share the second-level cache with the
// weights of a panel.
constexpr int kTileBytes = 128 * 1024;
constexpr int kMinTileFrames = 96;

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
      : plan_(plan), options_(options), kernels_(kernels), model_(*model) {}

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
    link();
    choose_forms();
    divide();
    lay_out();
    model_.weights.allocate(parameters_.size() * sizeof(float));
    std::copy(parameters_.begin(), parameters_.end(), model_.parameters());
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

  std::size_t reserve(std::size_t floats) {
    const std::size_t first = parameters_.size();
    parameters_.resize(first + (floats + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment,
                       0.0F);
    return first;
  }
  // Values padded with zeros to `size`.
  std::size_t store(std::span<const float> from, int size) {
    const std::size_t first = reserve(at(size));
    std::copy(from.begin(), from.end(), parameters_.begin() + static_cast<std::ptrdiff_t>(first));
    return first;
  }
  std::size_t reserve_state(int floats) {
    const std::size_t first = model_.state_floats;
    model_.state_floats += at(padded(floats));
    return first;
  }

  MapParameters map_of(const BlockMap& map, int channels) {
    MapParameters parameters;
    parameters.kind = map.kind;
    parameters.slope = map.slope;
    if (map.kind == MapKind::snake) {
      // A panel's second vector may begin beyond the frame: one vector pair more.
      parameters.alpha = store(map.alpha, frame_width(channels) + 2 * kFrameAlignment);
      parameters.inverse_beta =
          store(map.inverse_beta, frame_width(channels) + 2 * kFrameAlignment);
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

  // The panels of a convolution of `outputs` channels; weight(o, k, i) with i counted in all inputs.
  template <class Weight>
  std::vector<ConvPanel> pack(int outputs, int inputs, int groups, int taps, const Weight& weight) {
    const int lanes = kernels_.lanes;
    std::vector<ConvPanel> panels;
    for (int first = 0; first < outputs; first += 2 * lanes) {
      ConvPanel panel;
      panel.first_output = first;
      panel.vectors = outputs - first > lanes ? 2 : 1;
      // Groups that a panel touches stand side by side; weights between them are zeros.
      const int last = std::min(first + panel.vectors * lanes, outputs) - 1;
      const int first_group = first / (outputs / groups);
      const int last_group = last / (outputs / groups);
      const int group_inputs = inputs / groups;
      panel.first_input = first_group * group_inputs;
      panel.inputs = (last_group - first_group + 1) * group_inputs;
      const int width = panel.vectors * lanes;
      panel.weights = reserve(at(taps) * at(panel.inputs) * at(width));
      float* to = &parameters_[panel.weights];
      for (int k = 0; k < taps; ++k) {
        for (int i = 0; i < panel.inputs; ++i, to += width) {
          const int group = (panel.first_input + i) / group_inputs;
          for (int o = first; o <= last; ++o) {
            if (o / (outputs / groups) == group) {
              to[o - first] = weight(o, k, (panel.first_input + i) % group_inputs);
            }
          }
        }
      }
      panels.push_back(panel);
    }
    return panels;
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

  // 8-bit weights with a scale for each output: panels of [tap][four inputs][output][4]. An input's
  // step is part of its weights.
  template <class Weight>
  std::vector<ConvPanel> pack_i8(BlockValueId input, int outputs, int taps, const Weight& weight) {
    const int lanes = kernels_.lanes;
    const int inputs = value(input).channels;
    const ValueLayout& from = value(input);
    const auto scaled = [&](int o, int k, int i) { return weight(o, k, i) * from.scales[at(i)]; };
    const int quads = (inputs + 3) / 4;
    std::vector<ConvPanel> panels;
    for (int first = 0; first < outputs; first += 2 * lanes) {
      ConvPanel panel;
      panel.first_output = first;
      panel.vectors = outputs - first > lanes ? 2 : 1;
      panel.inputs = inputs;
      const int width = panel.vectors * lanes;
      panel.start = reserve(at(width));
      panel.scales = reserve(at(width));
      panel.weights = reserve(at(taps) * at(quads) * at(width));
      std::vector<std::int8_t> bytes(at(taps) * at(quads) * at(width) * 4, 0);
      for (int o = first; o < std::min(first + width, outputs); ++o) {
        float largest = 0.0F;
        for (int k = 0; k < taps; ++k) {
          for (int i = 0; i < inputs; ++i) {
            largest = std::max(largest, std::fabs(scaled(o, k, i)));
          }
        }
        const float inverse = largest > 0.0F ? 127.0F / largest : 0.0F;
        std::int32_t start = 0;  // takes the products of the inputs' zeros away
        for (int k = 0; k < taps; ++k) {
          for (int i = 0; i < inputs; ++i) {
            const auto byte = static_cast<std::int8_t>(std::lround(scaled(o, k, i) * inverse));
            start -= from.zeros[at(i)] * byte;
            bytes[((at(k) * at(quads) + at(i / 4)) * at(width) + at(o - first)) * 4 + at(i % 4)] =
                byte;
          }
        }
        std::memcpy(&parameters_[panel.start + at(o - first)], &start, sizeof(start));
        parameters_[panel.scales + at(o - first)] = largest / 127.0F;
      }
      if (!bytes.empty()) {
        std::memcpy(&parameters_[panel.weights], bytes.data(), bytes.size());
      }
      panels.push_back(panel);
    }
    return panels;
  }

  // Depthwise: one panel of all channels, weights [tap][channel].
  template <class Weight>
  std::vector<ConvPanel> pack_depthwise(int channels, int taps, const Weight& weight) {
    const int lanes = kernels_.lanes;
    ConvPanel panel;
    panel.vectors = (channels + lanes - 1) / lanes;
    panel.inputs = 1;
    const int width = panel.vectors * lanes;
    panel.weights = reserve(at(taps) * at(width));
    for (int k = 0; k < taps; ++k) {
      for (int c = 0; c < channels; ++c) {
        parameters_[panel.weights + at(k) * at(width) + at(c)] = weight(c, k, 0);
      }
    }
    return {panel};
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
    node.bias = store(op.bias, padded(outputs) + 2 * kFrameAlignment);
    set_epilogue(op.to, &node);
    const auto weight = [&](int o, int k, int i) {
      return op.weights[at((std::int64_t{o} * group_inputs + i) * op.taps + k)];
    };
    ConvPhase phase;
    phase.taps = op.taps;
    if (op.groups > 1 && op.groups == inputs && op.groups == outputs) {
      node.kind = NodeKind::depthwise;
      phase.panels = pack_depthwise(outputs, op.taps, weight);
    } else if (op.groups == 1 && op.stride == 1 && outputs <= kNarrowOutputs &&
               inputs * op.taps >= kFrameAlignment) {
      node.kind = NodeKind::narrow;
      ConvPanel panel;
      panel.inputs = inputs;
      panel.weights = reserve(op.weights.size());
      float* to = &parameters_[panel.weights];
      for (int o = 0; o < outputs; ++o) {
        for (int k = 0; k < op.taps; ++k) {
          for (int i = 0; i < inputs; ++i) {
            *to++ = weight(o, k, i);
          }
        }
      }
      phase.panels = {panel};
      model_.scratch_floats =
          std::max(model_.scratch_floats, at(inputs) * at(narrow_pitch(op.taps, op.dilation)));
    } else {
      node.kind = NodeKind::conv;
      node.integer = is_integer(op.input, outputs, op.groups, op.taps);
      phase.panels = node.integer ? pack_i8(op.input, outputs, op.taps, weight)
                                  : pack(outputs, inputs, op.groups, op.taps, weight);
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
    node.bias = store(op.bias, padded(outputs) + 2 * kFrameAlignment);
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
      phase.panels = depthwise      ? pack_depthwise(outputs, phase.taps, weight)
                     : node.integer ? pack_i8(op.input, outputs, phase.taps, weight)
                                    : pack(outputs, inputs, op.groups, phase.taps, weight);
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
    node.gain = store(op.gain, value(op.output).width);
    node.bias = store(op.bias, value(op.output).width);
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
      packed.width = padded(layer.hidden);
      const int width = packed.width;
      const int h = layer.hidden;
      packed.panels = pack(4 * width, layer.inputs + h, 1, 1, [&](int o, int, int i) {
        const int unit = o % width;
        const std::int64_t row = std::int64_t{o / width} * h + unit;
        if (unit >= h) {
          return 0.0F;
        }
        return i < layer.inputs ? layer.input_weights[at(row * layer.inputs + i)]
                                : layer.hidden_weights[at(row * h + i - layer.inputs)];
      });
      packed.bias = reserve(at(4 * width));
      for (int g = 0; g < 4; ++g) {
        std::copy_n(layer.bias.begin() + std::ptrdiff_t{g} * h, h,
                    parameters_.begin() + static_cast<std::ptrdiff_t>(packed.bias) +
                        std::ptrdiff_t{g} * width);
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

  // Who reads and writes a value, and how many zeros must stand around it.
  void link() {
    for (std::size_t n = 0; n < model_.nodes.size(); ++n) {
      const BlockNode& node = model_.nodes[n];
      for (const BlockValueId id : node.inputs) {
        value(id).readers.push_back(static_cast<int>(n));
      }
      for (const BlockValueId id : node.outputs) {
        value(id).writer = static_cast<int>(n);
      }
      if (node.kind == NodeKind::pad) {
        continue;
      }
      ValueLayout& read = value(node.inputs[0]);
      read.bytes = read.bytes || node.integer;
      if (node.integer) {
        store_steps(&read);
      }
      if (const auto* conv = std::get_if<BlockConv>(&node.op)) {
        read.left = std::max(read.left, conv->pad_left);
        read.right = std::max(read.right, conv->pad_right);
      } else if (const auto* up = std::get_if<BlockTransposedConv>(&node.op)) {
        read.left = std::max(read.left, static_cast<int>(-first_frame_read(node.op, 0)));
        read.right = std::max(read.right, (up->taps - 1 - up->trim_right) / up->stride);
      }
    }
  }

  // What an epilogue needs to write a signal's bytes; read as far as a map's parameters.
  void store_steps(ValueLayout* value) {
    if (value->zero_at != 0) {
      return;
    }
    const int size = frame_width(value->channels) + 2 * kFrameAlignment;
    value->inverse_at = reserve(at(size));
    value->zero_at = reserve(at(size));
    for (std::size_t c = 0; c < value->scales.size(); ++c) {
      parameters_[value->inverse_at + c] = 1.0F / value->scales[c];
      parameters_[value->zero_at + c] = value->zeros[c];
    }
  }

  // A signal that only integer convolutions read is not kept as numbers, where an epilogue can
  // write its bytes.
  void choose_forms() {
    for (ValueLayout& one : model_.values) {
      const auto id = static_cast<BlockValueId>(&one - model_.values.data());
      if (!one.bytes || id == model_.output || one.writer < 0 ||
          !model_.nodes[at(one.writer)].writes_bytes()) {
        continue;
      }
      one.floats = false;
      for (const int reader : one.readers) {
        const BlockNode& node = model_.nodes[at(reader)];
        one.floats = one.floats || !node.integer || node.residual == id;
      }
    }
  }

  // A segment begins where the rate rises.
  void divide() {
    double highest = 0.0;
    model_.segments = {0};
    for (std::size_t n = 0; n < model_.nodes.size(); ++n) {
      const double rate = rate_of(value(model_.nodes[n].outputs[0]));
      if (n != 0 && rate > highest) {
        model_.segments.push_back(static_cast<int>(n));
      }
      highest = std::max(highest, rate);
    }
    model_.segments.push_back(static_cast<int>(model_.nodes.size()));
    for (std::size_t s = 0; s + 1 < model_.segments.size(); ++s) {
      set_tile(model_.segments[s], model_.segments[s + 1]);
    }
  }

  void set_tile(int first, int last) {
    double rate = 0.0;
    double bytes = 0.0;  // of a plan frame of the largest signal
    for (int n = first; n < last; ++n) {
      const ValueLayout& written = value(model_.nodes[at(n)].outputs[0]);
      rate = std::max(rate, rate_of(written));
      bytes = std::max(bytes, rate_of(written) * written.width * 4.0);
    }
    const double plan_frames = std::max(kTileBytes / bytes, kMinTileFrames / rate);
    for (int n = first; n < last; ++n) {
      BlockNode& node = model_.nodes[at(n)];
      for (const BlockValueId id : node.inputs) {
        node.enters = node.enters || value(id).writer < first;
      }
      const double tile = std::min(plan_frames, static_cast<double>(options_.max_block_frames));
      node.tile_frames = std::max(1, static_cast<int>(tile * rate_of(value(node.outputs[0]))));
    }
  }

  std::vector<std::int64_t> ends(std::int64_t plan_frames) {
    std::vector<std::int64_t> frames(model_.values.size(), 0);
    for (const BlockValueId id : model_.inputs) {
      frames[at(id)] = plan_frames * value(id).rate.up;
    }
    for (const BlockNode& node : model_.nodes) {
      std::int64_t made = node.available(frames[at(node.inputs[0])]);
      for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        made = std::min(made, frames[at(node.inputs[i])]);
      }
      for (const BlockValueId id : node.outputs) {
        frames[at(id)] = made;
      }
    }
    return frames;
  }

  // Every operation has more of its input than it ever looks at once.
  bool edges_are_past(const std::vector<std::int64_t>& frames) {
    for (const BlockNode& node : model_.nodes) {
      std::int64_t span = 2 * (node.pad_left + node.pad_right) + 2;
      if (const auto* conv = std::get_if<BlockConv>(&node.op)) {
        span += std::int64_t{conv->taps} * conv->dilation + conv->pad_left + conv->pad_right;
      } else if (const auto* up = std::get_if<BlockTransposedConv>(&node.op)) {
        span += (up->taps + up->trim_left + up->trim_right) / up->stride + 1;
      } else if (const auto* inverse = std::get_if<BlockInverseStft>(&node.op)) {
        span += inverse->fft_size / inverse->hop_samples + 1;
      }
      if (frames[at(node.inputs[0])] < span) {
        return false;
      }
    }
    return true;
  }

  // How many frames a value holds at most: what its readers still need after everything that can be
  // made is made, and what one pass adds. The former is played through from the start until the
  // look-ahead is over; it does not grow after that.
  void lay_out() {
    std::int64_t period = 1;
    for (const ValueLayout& one : model_.values) {
      period = std::lcm(period, std::int64_t{one.rate.down});
    }
    std::vector<std::int64_t> held(model_.values.size(), 0);
    std::int64_t most_output = 1;
    std::int64_t rest = 2 * period + 8;  // steps after every edge has passed
    for (std::int64_t n = 0; rest > 0; ++n) {
      const std::vector<std::int64_t> now = ends(n);
      rest -= edges_are_past(now) ? 1 : 0;
      for (std::size_t v = 0; v < held.size(); ++v) {
        std::int64_t needed = now[v];
        for (const int reader : model_.values[v].readers) {
          const BlockNode& node = model_.nodes[at(reader)];
          for (std::size_t i = 0; i < node.inputs.size(); ++i) {
            if (at(node.inputs[i]) == v) {
              needed = std::min(needed, node.first_needed(i, now[at(node.outputs[0])], now[v]));
            }
          }
        }
        held[v] =
            std::max(held[v], now[v] - std::max<std::int64_t>(needed, -model_.values[v].left));
      }
      const std::int64_t out = ends(n + options_.max_block_frames)[at(model_.output)];
      most_output = std::max(most_output, out - now[at(model_.output)]);
    }
    model_.max_output_frames = static_cast<int>(most_output);
    for (std::size_t v = 0; v < held.size(); ++v) {
      ValueLayout& one = model_.values[v];
      const int a_frame = static_cast<int>(std::ceil(rate_of(one)));
      const int added = one.writer < 0
                            ? options_.max_block_frames * one.rate.up
                            : std::max(model_.nodes[at(one.writer)].tile_frames, 1) + 2 * a_frame;
      one.capacity = static_cast<int>(held[v]) + one.left + one.right + added + 1;
      one.at = model_.signal_floats;
      one.bytes_at = model_.signal_bytes;
      // Reads of a last vector beyond the last frame stay inside.
      if (one.floats) {
        model_.signal_floats += at(one.capacity) * at(one.width) + 2 * kFrameAlignment;
      }
      if (one.bytes) {
        model_.signal_bytes += at(one.capacity) * at(one.byte_width) + 64;
      }
    }
  }

  const BlockPlan& plan_;
  const BlockRunnerOptions& options_;
  const BlockKernels& kernels_;
  BlockModel& model_;
  std::vector<float> parameters_;
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
