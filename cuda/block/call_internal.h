// What the kernels of block plans are given: where a value's frames stand, what an operation is.
//
// A value is a ring of frames in a stream's memory, time-major; its capacity holds what later calls
// still need of it and what one call adds, so no frame moves and none is overwritten that the call
// at hand reads. Everything that changes from call to call (how many frames there were and are,
// where the next one stands, which stream) lies in the call's header, which is uploaded with the
// input: so a launch's arguments are constant, and a graph of launches can be replayed.
//
// Frames are counted within a kernel relative to the first new frame of their value ("rel"): 32 bits
// are enough there, positions in a signal are 64. All offsets are in bytes. Plain data; any thread.
#pragma once
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "engine/half.h"
#include "engine/host_device.h"
#include "engine/plan/block_plan.h"

namespace ondes::gpu {

// Frames of one value of the call's stream.
struct ValueWindow {
  std::int64_t made = 0;  // before the call
  std::int64_t end = 0;   // after it; all of the signal where no more will come
  std::int64_t row = 0;   // of the ring, where frame `made` stands
};

// Begins what is uploaded for a call; a ValueWindow for every ring and then the input follow.
struct CallHeader {
  std::int64_t stream_at = 0;  // of the stream's memory
  std::int64_t unused = 0;
};

// Where everything is; the same for all launches of a runner.
struct BlockMemory {
  const std::byte* image = nullptr;  // weights
  std::byte* streams = nullptr;
  const std::byte* call = nullptr;  // CallHeader
  std::byte* output = nullptr;      // what the call delivers, floats (frames, channels)
};

struct Ring {
  std::uint64_t at = 0;  // in a stream's memory
  int value = kNoValue;  // which window; kNoValue: not there
  int channels = 0;
  int width = 0;  // numbers from frame to frame: whole groups of 16 bytes
  int capacity = 0;
  int half = 0;  // numbers are halves, else floats
};

struct DeviceMap {
  MapKind kind = MapKind::none;
  float slope = 0.0F;
  std::uint32_t alpha = 0;  // in the image; a float a channel
  std::uint32_t inverse_beta = 0;
};

// BlockEpilogue: z = scale (y + residual), its map.
struct DeviceEpilogue {
  Ring residual;
  Ring output;
  Ring mapped;
  float scale = 1.0F;
  DeviceMap map;
};

// A convolution, or a transposed one as `phases` plain ones: outputs t with (t + trim) mod phases = p
// are successive frames q of phase p, and read input frames q - (taps of p - 1) ... q.
struct ConvOp {
  Ring input;
  DeviceEpilogue to;
  // Floats [group][tap][input][padded_outputs], taps phase by phase; depthwise [tap][channel]; for
  // tensor cores halves [tap][chunk][padded_outputs / 8][thread][8] (block/tensor_internal.h).
  std::uint32_t weights = 0;
  std::uint32_t bias = 0;  // [group][padded_outputs]
  int taps = 1;
  int stride = 1;
  int dilation = 1;
  int pad_left = 0;  // of a transposed one: replicate_left
  int groups = 1;
  int group_inputs = 1;
  int group_outputs = 1;
  int padded_outputs = 4;  // of a group
  int chunks = 0;          // > 0: on tensor cores, of kChunkChannels each
  int phases = 0;          // 0: not transposed
  int trim_left = 0;
  BlockPadding padding = BlockPadding::zero;
  int edge_left = 0;  // frames by which the input is extended by its edges; zeros beyond
  int edge_right = 0;
};

ONDES_HOST_DEVICE inline bool is_depthwise(const ConvOp& op) {
  return op.groups > 1 && op.group_inputs == 1 && op.group_outputs == 1;
}

struct SumOp {
  std::uint32_t inputs = 0;  // `count` Rings in the image
  int count = 0;
  int octets = 0;  // all rings are halves of whole groups of eight channels: a thread makes eight
  DeviceEpilogue to;
};

struct GateOp {
  Ring input;
  Ring output;
  DeviceMap first;
  DeviceMap second;
};

struct NormOp {
  Ring input;
  Ring output;
  float epsilon = 0.0F;
  std::uint32_t gain = 0;
  std::uint32_t bias = 0;
};

struct LstmLayer {
  int inputs = 0;
  int hidden = 0;
  std::uint32_t weights = 0;  // [input | hidden][4 H] floats
  std::uint32_t bias = 0;
  std::uint32_t initial = 0;   // [hidden | cell]
  std::uint64_t state_at = 0;  // [hidden | cell], in a stream's memory
};
struct LstmOp {
  Ring input;
  Ring output;
  std::uint32_t layers = 0;  // `count` LstmLayers in the image
  int count = 0;
};

// Frames of spectra to windowless samples: the first half of an inverse STFT.
struct SpectrumOp {
  Ring input;   // N + 2 channels
  Ring output;  // N
  int size = 0;
  int sine_phase = 0;  // Form::log_polar_sine
  float magnitude_limit = 0.0F;
  std::uint32_t cosine = 0;  // (N) floats
  std::uint32_t sine = 0;
  std::uint32_t reversed = 0;  // (N/2) ints, powers of two only
  int power_of_two = 0;
};
// The second: window, overlap-add, division.
struct OverlapOp {
  Ring input;
  Ring output;
  int size = 0;
  int hop = 0;
  int cut = 0;
  std::uint32_t window = 0;
};

// The call's input into a ring, and a ring's new frames to the call's output.
struct AppendOp {
  Ring output;
  std::uint32_t from = 0;  // in what was uploaded
};
struct DeliverOp {
  Ring input;
};

// A ring as a kernel sees it.
struct RingView {
  std::byte* data = nullptr;
  std::int64_t made = 0;
  std::int64_t end = 0;
  int row = 0;
  int capacity = 0;
  int frame_bytes = 0;
  int half = 0;

  ONDES_HOST_DEVICE int count() const { return static_cast<int>(end - made); }
  // Frame made + rel, which is one that the ring holds: its row, and where it begins.
  ONDES_HOST_DEVICE int row_of(int rel) const {
    const int r = row + rel;
    const int wrapped = r < 0 ? r + capacity : (r >= capacity ? r - capacity : r);
    assert(wrapped >= 0 && wrapped < capacity && "a frame that the ring was not laid out for");
    return wrapped;
  }
  ONDES_HOST_DEVICE std::byte* frame(int rel) const {
    return data + static_cast<std::size_t>(row_of(rel)) * static_cast<std::size_t>(frame_bytes);
  }
  ONDES_HOST_DEVICE float load(int rel, int c) const {
    const std::byte* from = frame(rel);
    return half != 0 ? half_to_float(reinterpret_cast<const std::uint16_t*>(from)[c])
                     : reinterpret_cast<const float*>(from)[c];
  }
  ONDES_HOST_DEVICE void store(int rel, int c, float x) const {
    std::byte* to = frame(rel);
    if (half != 0) {
      reinterpret_cast<std::uint16_t*>(to)[c] = float_to_half(x);
    } else {
      reinterpret_cast<float*>(to)[c] = x;
    }
  }
};

ONDES_HOST_DEVICE inline std::byte* stream_of(const BlockMemory& memory) {
  return memory.streams + reinterpret_cast<const CallHeader*>(memory.call)->stream_at;
}

ONDES_HOST_DEVICE inline RingView view_of(const BlockMemory& memory, const Ring& ring) {
  const auto& window =
      reinterpret_cast<const ValueWindow*>(memory.call + sizeof(CallHeader))[ring.value];
  RingView view;
  view.data = stream_of(memory) + ring.at;
  view.made = window.made;
  view.end = window.end;
  view.row = static_cast<int>(window.row);
  view.capacity = ring.capacity;
  view.frame_bytes = ring.width * (ring.half != 0 ? 2 : 4);
  view.half = ring.half;
  return view;
}

// What to add to a rel of `to` for that of `from` at the same frame.
ONDES_HOST_DEVICE inline int shift_between(const RingView& to, const RingView& from) {
  return static_cast<int>(to.made - from.made);
}

template <typename T>
ONDES_HOST_DEVICE const T* in_image(const BlockMemory& memory, std::uint32_t at) {
  return reinterpret_cast<const T*>(memory.image + at);
}

}  // namespace ondes::gpu
