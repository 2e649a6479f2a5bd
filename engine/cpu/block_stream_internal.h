// The state of one signal in a CPU block runner: what every value still holds, and the schedule.
//
// Values are linear pieces of memory. An operation runs whenever its inputs allow more frames of its
// output than there are: no schedule is fixed beforehand, so blocks of any size take the same path.
// Segments of operations walk time in tiles, the later ones within each tile of the earlier.
// Render thread: everything but the constructor.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/cpu/block_model_internal.h"

namespace ondes {

struct ValueState {
  std::int64_t base = 0;  // frame at the start of its memory; negative for padding
  std::int64_t end = 0;   // frames made so far
  bool over = false;      // no more will come; the zeros behind the end are there
};

struct StreamState {
  std::vector<ValueState> values;
  float* signals = nullptr;               // BlockModel::signal_floats
  float* state = nullptr;                 // BlockModel::state_floats
  std::uint8_t* bytes = nullptr;          // BlockModel::signal_bytes
  std::vector<std::int64_t> frames_used;  // a node: inverse STFTs
  std::int64_t delivered = 0;             // frames of the output

  float* frame(const BlockModel& model, BlockValueId id, std::int64_t t) const noexcept {
    const ValueLayout& layout = model.values[static_cast<std::size_t>(id)];
    return signals + layout.at + (t - values[static_cast<std::size_t>(id)].base) * layout.width;
  }
  std::uint8_t* byte_frame(const BlockModel& model,
                           BlockValueId id,
                           std::int64_t t) const noexcept {
    const ValueLayout& layout = model.values[static_cast<std::size_t>(id)];
    return bytes + layout.bytes_at +
           (t - values[static_cast<std::size_t>(id)].base) * layout.byte_width;
  }
};

// Frames [first, first + count) of one node's output.
struct NodeCall {
  const BlockNode* node = nullptr;
  StreamState* stream = nullptr;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// The part [from, to) of a call, of one panel of one phase.
void run_conv_part(const BlockModel& model,
                   const BlockKernels& kernels,
                   const NodeCall& call,
                   std::int64_t from,
                   std::int64_t to,
                   int phase,
                   int panel,
                   float* scratch) noexcept;
// The part [from, to) of a call of an elementwise node.
void run_elementwise_part(const BlockModel& model,
                          const BlockKernels& kernels,
                          const NodeCall& call,
                          std::int64_t from,
                          std::int64_t to) noexcept;
// Brings the 8-bit form of frames that were written as numbers up to date.
void quantise_frames(const BlockModel& model,
                     const BlockKernels& kernels,
                     const StreamState& stream,
                     BlockValueId id,
                     std::int64_t first,
                     std::int64_t count) noexcept;
// Nodes that go through time frame by frame, or copy edges.
void run_in_order(const BlockModel& model,
                  const BlockKernels& kernels,
                  const NodeCall& call) noexcept;

}  // namespace ondes
