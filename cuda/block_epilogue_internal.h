// What becomes of a sum in a kernel (BlockEpilogue): residual, scale, the value and its map. Any
// thread.
#pragma once
#include "cuda/block_call_internal.h"
#include "engine/ops/block_map.h"

namespace ondes::gpu {

#if defined(__CUDACC__)
#define ONDES_NOINLINE __noinline__
#else
#define ONDES_NOINLINE
#endif

// Maps that cost more than a call: once in a kernel, not once an accumulator.
ONDES_NOINLINE ONDES_HOST_DEVICE inline float mapped_by_call(const BlockMemory& memory,
                                                             const DeviceMap& map,
                                                             int channel,
                                                             float x) {
  float alpha = 0.0F;
  float inverse_beta = 0.0F;
  if (map.kind == MapKind::snake) {
    alpha = in_image<float>(memory, map.alpha)[channel];
    inverse_beta = in_image<float>(memory, map.inverse_beta)[channel];
  }
  return map_value(map.kind, map.slope, alpha, inverse_beta, x);
}

ONDES_HOST_DEVICE inline float mapped_value(const BlockMemory& memory,
                                            const DeviceMap& map,
                                            int channel,
                                            float x) {
  return map.kind == MapKind::leaky_relu ? map_value(MapKind::leaky_relu, map.slope, 0.0F, 0.0F, x)
                                         : mapped_by_call(memory, map, channel, x);
}

class EpilogueView {
 public:
  ONDES_HOST_DEVICE EpilogueView(const BlockMemory& memory, const DeviceEpilogue& to)
      : memory_(memory), to_(to) {
    if (to.output.value != kNoValue) {
      output_ = view_of(memory, to.output);
    }
    if (to.mapped.value != kNoValue) {
      mapped_ = view_of(memory, to.mapped);
    }
    if (to.residual.value != kNoValue) {
      residual_ = view_of(memory, to.residual);
      shift_ = shift_between(frames(), residual_);
    }
  }

  // The frames that are written; `output` and `mapped` have the same ones.
  ONDES_HOST_DEVICE const RingView& frames() const {
    return to_.output.value != kNoValue ? output_ : mapped_;
  }

  ONDES_HOST_DEVICE void finish(int rel, int channel, float y) const {
    if (to_.residual.value != kNoValue) {
      y = y + residual_.load(rel + shift_, channel);
    }
    const float z = to_.scale * y;
    if (to_.output.value != kNoValue) {
      output_.store(rel, channel, z);
    }
    if (to_.mapped.value != kNoValue) {
      mapped_.store(rel, channel, mapped_value(memory_, to_.map, channel, z));
    }
  }

 private:
  const BlockMemory& memory_;
  const DeviceEpilogue& to_;
  RingView residual_;
  RingView output_;
  RingView mapped_;
  int shift_ = 0;
};

}  // namespace ondes::gpu
