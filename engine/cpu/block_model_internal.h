// A block plan made ready for the CPU: edges that are replicated or reflected as operations of their
// own, weights packed in the order they are read, the memory every signal needs.
//
// Set-up thread: construction. Render thread: everything else, const.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/cpu/block_kernels_internal.h"
#include "engine/cpu/huge_array.h"
#include "engine/ops/spectral_frame.h"
#include "engine/plan/block_geometry.h"
#include "engine/plan/block_runner.h"

namespace ondes {

enum class NodeKind { conv, depthwise, narrow, sum, gate, norm, lstm, inverse_stft, pad };

// Inputs of a sum node; longer sums are chains, which add in the same order.
inline constexpr std::size_t kMostSummed = 16;

inline int padded_floats(int n) {
  return (n + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

// Floats of a frame in memory. Frames whose distance is a multiple of 512 bytes share a few sets of
// a cache; one line more spreads them.
inline int frame_width(int channels) {
  const int width = padded_floats(channels);
  return width > kFrameAlignment && width % 128 == 0 ? width + kFrameAlignment : width;
}

// The same of 8-bit signals.
inline int frame_bytes(int channels) {
  const int width = padded_floats(channels);
  return width % 512 == 0 ? width + 64 : width;
}

// Output channels of one register tile.
struct ConvPanel {
  std::size_t weights = 0;  // offset into BlockModel::weights, floats
  int first_output = 0;
  int vectors = 0;
  int first_input = 0;
  int inputs = 0;
  std::size_t start = 0;  // integer convolutions: offsets like `weights`
  std::size_t scales = 0;
};

// Outputs t with (t + trim) mod phases = this phase: a plain convolution each. One for a BlockConv.
struct ConvPhase {
  int taps = 0;
  std::vector<ConvPanel> panels;
};

struct PackedLstmLayer {
  std::vector<ConvPanel> panels;
  std::size_t bias = 0;
  int inputs = 0;  // of the layer, without its own past
  int hidden = 0;
  int width = 0;              // hidden, padded
  std::size_t hidden_at = 0;  // offsets into a stream's state memory, floats: [inputs | hidden]
  std::size_t cell_at = 0;
  std::vector<float> initial_hidden;
  std::vector<float> initial_cell;
};

struct MapParameters {
  MapKind kind = MapKind::none;
  float slope = 0.0F;
  std::size_t alpha = 0;  // offsets into BlockModel::weights
  std::size_t inverse_beta = 0;
};

struct BlockNode {
  NodeKind kind = NodeKind::sum;
  BlockOp op;  // for its geometry; its padding is zeros; a pad node has none
  BlockPadding padding = BlockPadding::zero;  // pad nodes
  int pad_left = 0;
  int pad_right = 0;

  std::vector<BlockValueId> inputs;
  std::vector<BlockValueId> outputs;
  BlockValueId output = kNoValue;
  BlockValueId mapped = kNoValue;
  BlockValueId residual = kNoValue;
  float scale = 1.0F;
  MapParameters map;     // of `mapped`; of a gate's first half
  MapParameters second;  // of a gate's second half

  std::vector<ConvPhase> phases;
  bool integer = false;  // 8-bit inputs and weights
  std::size_t bias = 0;
  int stride = 1;     // input frames between successive outputs of a phase
  int dilation = 1;   // input frames between taps
  double macs = 0.0;  // of one output frame

  std::size_t gain = 0;  // layer norms
  float epsilon = 0.0F;
  std::vector<PackedLstmLayer> layers;
  std::size_t gates_at = 0;  // LSTM: scratch in a stream's state memory

  SpectralFrame spectral;  // inverse STFT
  std::vector<float> window;
  std::size_t overlap_at = 0;  // offsets into a stream's state memory
  std::size_t envelope_at = 0;
  std::size_t samples_at = 0;
  std::size_t scratch_at = 0;

  bool enters = false;  // reads what an earlier segment or the caller wrote
  int tile_frames = 0;  // of the output, at most so many a pass, where it enters

  // Its epilogue can write 8-bit signals.
  bool writes_bytes() const {
    return kind == NodeKind::conv || kind == NodeKind::depthwise || kind == NodeKind::sum;
  }

  // Frames of the outputs when `frames` of input 0 are known, or are all.
  std::int64_t available(std::int64_t frames) const;
  std::int64_t in_all(std::int64_t frames) const;
  // The first frame of input i that is still needed when `made` outputs are there and input i has
  // `end` frames.
  std::int64_t first_needed(std::size_t i, std::int64_t made, std::int64_t end) const;
};

struct ValueLayout {
  int channels = 0;
  int width = 0;  // floats of a frame
  BlockRate rate;
  int left = 0;   // zeros before the first frame
  int right = 0;  // and behind the last
  int capacity = 0;
  bool floats = true;  // kept as numbers
  bool bytes = false;  // kept in 8 bits: number = scales[c] * (byte - zeros[c])
  std::vector<float> scales;
  std::vector<std::uint8_t> zeros;  // a frame of padding, byte_width
  std::size_t inverse_at = 0;       // 1 / scale and zero as floats: offsets into the weights
  std::size_t zero_at = 0;
  int byte_width = 0;        // bytes of a frame
  std::size_t at = 0;        // offset into a stream's memory, floats
  std::size_t bytes_at = 0;  // and into its bytes
  std::vector<int> readers;  // nodes
  int writer = -1;
};

inline double rate_of(const ValueLayout& value) {
  return static_cast<double>(value.rate.up) / value.rate.down;
}

struct BlockModel {
  BlockModel(const BlockPlan& plan, const BlockRunnerOptions& options, const BlockKernels& kernels);

  float* parameters() noexcept { return reinterpret_cast<float*>(weights.data()); }
  const float* parameters() const noexcept {
    return reinterpret_cast<const float*>(weights.data());
  }

  std::vector<BlockNode> nodes;
  std::vector<ValueLayout> values;
  std::vector<BlockValueId> inputs;
  BlockValueId output = kNoValue;
  // Nodes [segments[s], segments[s + 1]) walk time in tiles that stay in a cache.
  std::vector<int> segments;
  HugeArray weights;
  std::size_t signal_floats = 0;  // of one stream
  std::size_t signal_bytes = 0;   // of one stream, 8-bit signals
  std::size_t state_floats = 0;
  std::size_t scratch_floats = 0;  // of one thread
  int max_output_frames = 0;
};

class BlockPacker;

// Settles what block_model.cpp leaves open once all nodes are there: readers and writers, padding
// around values, their form and memory, segments and tiles. The model's weights are not there yet.
void lay_out_block_model(int max_block_frames, BlockPacker* packer, BlockModel* model);

}  // namespace ondes
