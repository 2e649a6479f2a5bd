// What becomes of a sum in a kernel (BlockEpilogue): residual, scale, the value and its map. Any
// thread.
#pragma once
#include "cuda/block/call_internal.h"
#include "cuda/unroll.h"
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
    // A copy: a choice between two members' addresses would put the object into memory.
    frames_ = view_of(memory, to.output.value != kNoValue ? to.output : to.mapped);
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
  ONDES_HOST_DEVICE const RingView& frames() const { return frames_; }

  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void finish(int rel, int channel, float y) const {
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

  // kCount neighbouring channels from `channel` on, at a multiple of their number.
  template <int kCount>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void finish_run(int rel,
                                                       int channel,
                                                       const float* sums) const {
    float z[static_cast<std::size_t>(kCount)];
    ONDES_UNROLL
    for (int i = 0; i < kCount; ++i) {
      z[i] = sums[i];
    }
    if (to_.residual.value != kNoValue) {
      add_run<kCount>(rel + shift_, channel, z);
    }
    ONDES_UNROLL
    for (int i = 0; i < kCount; ++i) {
      z[i] = to_.scale * z[i];
    }
    if (to_.output.value != kNoValue) {
      store_run<kCount>(output_, rel, channel, z);
    }
    if (to_.mapped.value != kNoValue) {
      ONDES_UNROLL
      for (int i = 0; i < kCount; ++i) {
        z[i] = mapped_value(memory_, to_.map, channel + i, z[i]);
      }
      store_run<kCount>(mapped_, rel, channel, z);
    }
  }

 private:
  template <int kWords>
  struct alignas(4 * kWords) HalfRun {
    std::uint32_t words[static_cast<std::size_t>(kWords)];
  };

  template <int kCount>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void add_run(int rel, int channel, float* z) const {
    if (residual_.half == 0) {
      ONDES_UNROLL
      for (int i = 0; i < kCount; ++i) {
        z[i] = z[i] + residual_.load(rel, channel + i);
      }
      return;
    }
    const auto run =
        reinterpret_cast<const HalfRun<kCount / 2>*>(residual_.frame(rel))[channel / kCount];
    ONDES_UNROLL
    for (int i = 0; i < kCount / 2; ++i) {
      z[2 * i] = z[2 * i] + first_half(run.words[i]);
      z[2 * i + 1] = z[2 * i + 1] + second_half(run.words[i]);
    }
  }

  template <int kCount>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE static void store_run(const RingView& to,
                                                             int rel,
                                                             int channel,
                                                             const float* z) {
    if (to.half == 0) {
      ONDES_UNROLL
      for (int i = 0; i < kCount; ++i) {
        to.store(rel, channel + i, z[i]);
      }
      return;
    }
    HalfRun<kCount / 2> run;
    ONDES_UNROLL
    for (int i = 0; i < kCount / 2; ++i) {
      run.words[i] = pack_halves(z[2 * i], z[2 * i + 1]);
    }
    reinterpret_cast<HalfRun<kCount / 2>*>(to.frame(rel))[channel / kCount] = run;
  }

  const BlockMemory& memory_;
  const DeviceEpilogue& to_;
  RingView residual_;
  RingView frames_;
  RingView output_;
  RingView mapped_;
  int shift_ = 0;
};

}  // namespace ondes::gpu
