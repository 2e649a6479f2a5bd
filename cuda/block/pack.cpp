// A block plan as nodes: what every operation becomes, weights in the order the kernels read them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "cuda/block/model_internal.h"
#include "cuda/block/tensor_internal.h"
#include "engine/error.h"
#include "engine/ops/inverse_fft.h"
#include "engine/plan/block_geometry.h"

namespace ondes::gpu {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

class Packer {
 public:
  Packer(const BlockPlan& plan, const BlockRunnerOptions& options, bool tensor_cores)
      : plan_(plan),
        halves_(options.precision == Precision::f16),
        tensor_cores_(halves_ && tensor_cores) {
    model_.max_block_frames = options.max_block_frames;
    model_.inputs = plan.inputs;
    model_.output = plan.output;
  }

  BlockModel pack() {
    int period = 1;
    for (const BlockValue& value : plan_.values) {
      add_value(value.channels);
      period = std::lcm(period, value.rate.down);
    }
    for (const BlockValueId id : plan_.inputs) {
      model_.input_rates.push_back(plan_.values[at(id)].rate.up);
    }
    for (const BlockOp& op : plan_.ops) {
      std::visit([this](const auto& one) { add(one); }, op);
    }
    choose_halves();
    lay_out_rings(period, &model_);
    for (BlockNode& node : model_.nodes) {
      std::visit([this, &node](const auto& one) { fill(one, &node); }, node.geometry);
    }
    model_.stream_bytes += state_bytes_;
    return std::move(model_);
  }

 private:
  // --- values and nodes ------------------------------------------------------------------------
  BlockValueId add_value(int channels) {
    Ring ring;
    ring.channels = channels;
    ring.width = (channels + 3) / 4 * 4;
    model_.rings.push_back(ring);
    return static_cast<BlockValueId>(model_.rings.size()) - 1;
  }
  const Ring& ring(BlockValueId id) const {
    static const Ring kNone;
    return id == kNoValue ? kNone : model_.rings[at(id)];
  }
  void push(BlockOp geometry) {
    BlockNode node;
    node.inputs = inputs_of(geometry);
    node.outputs = outputs_of(geometry);
    const std::size_t output = at(node.outputs[0]);
    node.name = output < plan_.values.size() ? plan_.values[output].name : "spectra";
    node.geometry = std::move(geometry);
    model_.nodes.push_back(std::move(node));
  }
  template <class Op>
  void add(const Op& op) {
    push(op);
  }
  void add(const BlockInverseStft& op) {
    BlockSum frames;  // a frame of samples for every frame of spectra
    frames.inputs = {op.input};
    frames.output = add_value(op.fft_size);
    BlockInverseStft overlap = op;
    overlap.input = frames.output;
    spectra_.push_back({static_cast<int>(model_.nodes.size()), op});
    push(frames);
    push(overlap);
  }

  // What stays in floats: the plan's output, spectra and their samples, and what is too narrow to
  // gain from halves: a sound of one channel would lose its quiet parts.
  void choose_halves() {
    if (!halves_) {
      return;
    }
    for (std::size_t v = 0; v < plan_.values.size(); ++v) {
      Ring& ring = model_.rings[v];
      ring.half = static_cast<BlockValueId>(v) != plan_.output && ring.channels % 8 == 0 ? 1 : 0;
    }
    for (const auto& [node, op] : spectra_) {
      model_.rings[at(op.input)].half = 0;
      model_.rings[at(op.output)].half = 0;
    }
    for (Ring& ring : model_.rings) {
      ring.width = ring.half != 0 ? ring.channels : ring.width;
    }
  }

  // --- the image -------------------------------------------------------------------------------
  template <typename T>
  T* reserve(std::size_t count, std::uint32_t* offset) {
    const std::size_t first = model_.image.size();
    const std::size_t bytes = (count * sizeof(T) + 15) / 16 * 16;
    if (first + bytes > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(ErrorCode::usage, "cuda: block plan: weights: expected at most 4 GiB");
    }
    *offset = static_cast<std::uint32_t>(first);
    model_.image.resize(first + bytes);
    return reinterpret_cast<T*>(model_.image.data() + first);
  }
  template <typename T>
  std::uint32_t store(std::span<const T> values) {
    std::uint32_t offset = 0;
    T* to = reserve<T>(values.size(), &offset);
    std::copy(values.begin(), values.end(), to);
    return offset;
  }

  DeviceMap map_of(const BlockMap& from) {
    DeviceMap map;
    map.kind = from.kind;
    map.slope = from.slope;
    if (from.kind == MapKind::snake) {
      map.alpha = store(from.alpha);
      map.inverse_beta = store(from.inverse_beta);
    }
    return map;
  }
  DeviceEpilogue epilogue_of(const BlockEpilogue& from) {
    DeviceEpilogue to;
    to.residual = ring(from.residual);
    to.output = ring(from.output);
    to.mapped = ring(from.mapped);
    to.scale = from.scale;
    if (from.mapped != kNoValue) {
      to.map = map_of(from.map);
    }
    return to;
  }
  int output_channels(const BlockEpilogue& to) const {
    return ring(to.output != kNoValue ? to.output : to.mapped).channels;
  }

  // weight(o, tap, i): output and input counted within group g.
  template <class Weight>
  void pack_weights(std::span<const float> bias, const Weight& weight, ConvOp* op) {
    if (tensor_cores_ && op->groups == 1 && op->input.half != 0 && op->group_outputs % 8 == 0) {
      pack_tensor_weights(bias, weight, op);
      return;
    }
    const bool depthwise = is_depthwise(*op);
    op->padded_outputs = depthwise ? 1 : (op->group_outputs + 3) / 4 * 4;
    const std::size_t row = depthwise ? at(op->groups) : at(op->padded_outputs);
    const std::size_t size =
        depthwise ? at(op->taps) * row : at(op->groups) * at(op->taps) * at(op->group_inputs) * row;
    float* to = reserve<float>(size, &op->weights);
    for (int g = 0; g < op->groups; ++g) {
      for (int k = 0; k < op->taps; ++k) {
        for (int i = 0; i < op->group_inputs; ++i) {
          const std::size_t first =
              depthwise ? at(k) * row + at(g)
                        : ((at(g) * at(op->taps) + at(k)) * at(op->group_inputs) + at(i)) * row;
          for (int o = 0; o < op->group_outputs; ++o) {
            to[first + at(o)] = weight(g, o, k, i);
          }
        }
      }
    }
    float* starts = reserve<float>(at(op->groups) * at(op->padded_outputs), &op->bias);
    for (int o = 0; !bias.empty() && o < op->groups * op->group_outputs; ++o) {
      starts[o / op->group_outputs * op->padded_outputs + o % op->group_outputs] = bias[at(o)];
    }
  }

  // In the order a warp's threads read them (block/tensor_internal.h).
  template <class Weight>
  void pack_tensor_weights(std::span<const float> bias, const Weight& weight, ConvOp* op) {
    op->chunks = tensor_chunks(*op);
    op->padded_outputs = (op->group_outputs + kOutputGroup - 1) / kOutputGroup * kOutputGroup;
    const int tiles = op->padded_outputs / kTileColumns;
    auto* to = reserve<std::uint16_t>(
        at(op->taps) * at(op->chunks) * at(tiles) * kWarpThreads * kEight, &op->weights);
    for (int k = 0; k < op->taps; ++k) {
      for (int row = 0; row < op->chunks * tiles; ++row) {
        for (int slot = 0; slot < kWarpThreads * kEight; ++slot, ++to) {
          const int step = slot % kEight / 4;
          const TileIndex in_tile = b_at(slot / kEight, slot % 4);
          const int i = row / tiles * kChunkChannels + tile_channel(step, in_tile.row);
          const int o =
              row % tiles / 4 * kOutputGroup + tile_output(row % tiles % 4, in_tile.column);
          const bool there = i < op->group_inputs && o < op->group_outputs;
          *to = there ? half_weight(weight(0, o, k, i)) : std::uint16_t{0};
        }
      }
    }
    float* starts = reserve<float>(at(op->padded_outputs), &op->bias);
    std::copy(bias.begin(), bias.end(), starts);
  }
  static std::uint16_t half_weight(float weight) {
    if (std::fabs(weight) > kLargestHalf) {
      throw Error(ErrorCode::usage,
                  "cuda: block plan: precision f16: expected weights within 65504, found " +
                      std::to_string(weight) + "; f32 takes them");
    }
    return float_to_half(weight);
  }

  // --- operations ------------------------------------------------------------------------------
  // What convolutions and transposed ones have alike.
  template <class Conv>
  ConvOp conv_of(const Conv& from) {
    ConvOp op;
    op.input = ring(from.input);
    op.to = epilogue_of(from.to);
    op.taps = from.taps;
    op.groups = from.groups;
    op.group_inputs = op.input.channels / from.groups;
    op.group_outputs = output_channels(from.to) / from.groups;
    return op;
  }

  void fill(const BlockConv& from, BlockNode* node) {
    ConvOp op = conv_of(from);
    op.stride = from.stride;
    op.dilation = from.dilation;
    op.pad_left = from.pad_left;
    op.padding = from.padding;
    op.edge_left = from.pad_left;
    op.edge_right = from.pad_right;
    pack_weights(
        from.bias,
        [&](int g, int o, int k, int i) {
          const std::int64_t row = std::int64_t{g} * op.group_outputs + o;
          return from.weights[at((row * op.group_inputs + i) * op.taps + k)];
        },
        &op);
    node->op = op;
  }

  void fill(const BlockTransposedConv& from, BlockNode* node) {
    ConvOp op = conv_of(from);
    op.phases = from.stride;
    op.trim_left = from.trim_left;
    op.pad_left = from.replicate_left;
    const bool replicates = from.replicate_left + from.replicate_right > 0;
    op.padding = replicates ? BlockPadding::replicate : BlockPadding::zero;
    op.edge_left = from.replicate_left;
    op.edge_right = from.replicate_right;
    // Phase after phase, the oldest frame's tap first.
    std::vector<int> taps;
    for (int phase = 0; phase < from.stride; ++phase) {
      const auto first = static_cast<std::ptrdiff_t>(taps.size());
      for (int k = phase; k < from.taps; k += from.stride) {
        taps.insert(taps.begin() + first, k);
      }
    }
    pack_weights(
        from.bias,
        [&](int g, int o, int k, int i) {
          const std::int64_t row = std::int64_t{g} * op.group_inputs + i;
          return from.weights[at((row * op.group_outputs + o) * op.taps + taps[at(k)])];
        },
        &op);
    node->op = op;
  }

  void fill(const BlockSum& from, BlockNode* node) {
    if (from.output != kNoValue && at(from.output) >= plan_.values.size()) {
      fill_spectrum(node);
      return;
    }
    SumOp op;
    std::vector<Ring> inputs;
    for (const BlockValueId id : from.inputs) {
      inputs.push_back(ring(id));
    }
    op.inputs = store(std::span<const Ring>(inputs));
    op.count = static_cast<int>(inputs.size());
    BlockEpilogue to;
    to.scale = from.scale;
    to.output = from.output;
    to.map = from.map;
    to.mapped = from.mapped;
    op.to = epilogue_of(to);
    inputs.push_back(from.output != kNoValue ? op.to.output : inputs[0]);
    inputs.push_back(from.mapped != kNoValue ? op.to.mapped : inputs[0]);
    op.octets =
        std::all_of(inputs.begin(), inputs.end(), [](const Ring& one) { return one.half != 0; });
    node->op = op;
  }

  void fill_spectrum(BlockNode* node) {
    const auto index = static_cast<int>(node - model_.nodes.data());
    const auto found = std::find_if(spectra_.begin(), spectra_.end(),
                                    [&](const auto& one) { return one.first == index; });
    const BlockInverseStft& from = found->second;
    const InverseFft fft(from.fft_size);
    SpectrumOp op;
    op.input = ring(from.input);
    op.output = ring(node->outputs[0]);
    op.size = from.fft_size;
    op.sine_phase = from.form == BlockInverseStft::Form::log_polar_sine ? 1 : 0;
    op.magnitude_limit = from.magnitude_limit;
    op.cosine = store(fft.cosine());
    op.sine = store(fft.sine());
    op.reversed = store(fft.reversed());
    op.power_of_two = fft.reversed().empty() ? 0 : 1;
    node->op = op;
  }

  void fill(const BlockInverseStft& from, BlockNode* node) {
    OverlapOp op;
    op.input = ring(from.input);
    op.output = ring(from.output);
    op.size = from.fft_size;
    op.hop = from.hop_samples;
    op.cut = from.centred ? from.fft_size / 2 : 0;
    op.window = store(from.window);
    node->op = op;
  }

  void fill(const BlockGate& from, BlockNode* node) {
    GateOp op;
    op.input = ring(from.input);
    op.output = ring(from.output);
    op.first = map_of(from.first);
    op.second = map_of(from.second);
    node->op = op;
  }

  void fill(const BlockLayerNorm& from, BlockNode* node) {
    NormOp op;
    op.input = ring(from.input);
    op.output = ring(from.output);
    op.epsilon = from.epsilon;
    op.gain = store(from.gain);
    op.bias = store(from.bias);
    node->op = op;
  }

  void fill(const BlockLstm& from, BlockNode* node) {
    LstmOp op;
    op.input = ring(from.input);
    op.output = ring(from.output);
    op.count = static_cast<int>(from.layers.size());
    std::vector<LstmLayer> layers;
    for (const BlockLstmLayer& layer : from.layers) {
      layers.push_back(pack_lstm(layer));
    }
    op.layers = store(std::span<const LstmLayer>(layers));
    node->op = op;
    model_.has_state = true;
  }

  LstmLayer pack_lstm(const BlockLstmLayer& from) {
    LstmLayer layer;
    layer.inputs = from.inputs;
    layer.hidden = from.hidden;
    const std::size_t rows = at(4 * from.hidden);
    float* to = reserve<float>(at(from.inputs + from.hidden) * rows, &layer.weights);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t i = 0; i < at(from.inputs); ++i) {
        to[i * rows + row] = from.input_weights[row * at(from.inputs) + i];
      }
      for (std::size_t i = 0; i < at(from.hidden); ++i) {
        to[(at(from.inputs) + i) * rows + row] = from.hidden_weights[row * at(from.hidden) + i];
      }
    }
    layer.bias = store(from.bias);
    float* initial = reserve<float>(at(2 * from.hidden), &layer.initial);
    std::copy(from.initial_hidden.begin(), from.initial_hidden.end(), initial);
    std::copy(from.initial_cell.begin(), from.initial_cell.end(), initial + from.hidden);
    layer.state_at = model_.stream_bytes + state_bytes_;
    state_bytes_ += (at(2 * from.hidden) * sizeof(float) + 127) / 128 * 128;
    return layer;
  }

  static constexpr int kEight = 8;

  const BlockPlan& plan_;
  bool halves_;
  bool tensor_cores_;
  BlockModel model_;
  std::size_t state_bytes_ = 0;
  std::vector<std::pair<int, BlockInverseStft>> spectra_;  // by the node that begins them
};

}  // namespace

BlockModel pack_block_model(const BlockPlan& plan,
                            const BlockRunnerOptions& options,
                            bool tensor_cores) {
  return Packer(plan, options, tensor_cores).pack();
}

}  // namespace ondes::gpu
