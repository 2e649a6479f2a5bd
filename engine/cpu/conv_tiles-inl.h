// Convolutions in register tiles: vectors over output channels, several frames at a time.
//
// A tile of 2 vectors x 12 frames (AVX-512; 2 x 6 on AVX2) has enough independent accumulators to
// hide the latency of a fused multiply-add three times over, and loads 2 vectors of weights and 12
// single inputs for 24 multiplications. Every output is one accumulator over taps, then channels:
// its bits do not know the tile. Sums go through a small piece of the stack to their epilogue, so
// that tiles need not be compiled for every map. Included once per target.
#if defined(ONDES_CPU_CONV_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_CONV_TILES_INL_H_
#undef ONDES_CPU_CONV_TILES_INL_H_
#else
#define ONDES_CPU_CONV_TILES_INL_H_
#endif

#include <hwy/highway.h>

#include <utility>

#include "engine/cpu/epilogue_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

constexpr int kTileFrames = HWY_TARGET == HWY_AVX2 ? 6 : 12;

// Frames stand `step` bytes apart. Three frames share a base, so that a dozen need four registers:
// base, base + step, base + 2 step are addresses of one instruction each.
template <int kVectors, int kFrames>
HWY_INLINE void conv_tile(const ConvCall& call, const float* first, float* HWY_RESTRICT sums) {
  const DF d;
  constexpr int kBases = (kFrames + 2) / 3;
  VF acc[kFrames][kVectors];
#pragma GCC unroll 12
  for (int t = 0; t < kFrames; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      acc[t][v] = hn::LoadU(d, call.bias + v * kLanes);
    }
  }
  const std::ptrdiff_t step = call.x_step;
  const float* HWY_RESTRICT w = call.weights;
  for (int k = 0; k < call.taps; ++k) {
    const float* bases[kBases];
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) {
      bases[b] = first + k * call.tap_step + 3 * b * step;
    }
    for (int i = 0; i < call.inputs; ++i) {
      VF weights[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        weights[v] = hn::LoadU(d, w + v * kLanes);
      }
      w += kVectors * kLanes;
#pragma GCC unroll 12
      for (int t = 0; t < kFrames; ++t) {
        const VF x = hn::Set(d, bases[t / 3][t % 3 * step + i]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          acc[t][v] = hn::MulAdd(weights[v], x, acc[t][v]);
        }
      }
    }
  }
#pragma GCC unroll 12
  for (int t = 0; t < kFrames; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(acc[t][v], d, sums + (t * kVectors + v) * kLanes);
    }
  }
}

template <int kVectors, int kFrames>
HWY_NOINLINE void conv_tile_of(const ConvCall& call, const float* first, float* sums) {
  conv_tile<kVectors, kFrames>(call, first, sums);
}

using ConvTile = void (*)(const ConvCall& call, const float* first, float* sums);

template <int kVectors, int... kFrames>
HWY_INLINE ConvTile conv_tile_for(int frames, std::integer_sequence<int, kFrames...>) {
  static constexpr ConvTile kTiles[] = {&conv_tile_of<kVectors, kFrames + 1>...};
  return kTiles[frames - 1];
}

template <int kVectors>
HWY_INLINE void conv_panel(const ConvCall& call) {
  HWY_ALIGN float sums[kTileFrames * kVectors * kLanes];
  const auto sizes = std::make_integer_sequence<int, kTileFrames>();
  // Tiles of nearly equal size: 13 frames are 7 and 6, not 12 and a lonely one.
  int tiles = (call.frames + kTileFrames - 1) / kTileFrames;
  for (int t = 0; t < call.frames; --tiles) {
    const int frames = (call.frames - t + tiles - 1) / tiles;
    conv_tile_for<kVectors>(frames, sizes)(call, call.x + t * call.x_step, sums);
    finish_rows<kVectors>(call.finish, t, sums, frames);
    t += frames;
  }
}

void block_conv(const ConvCall& call) noexcept {
  if (call.vectors == 2) {
    conv_panel<2>(call);
  } else {
    conv_panel<1>(call);
  }
}

// One vector of channels, up to 8 frames.
template <int kFrames>
HWY_INLINE void depthwise_tile(const ConvCall& call, int channel, int frame, float* sums) {
  const DF d;
  VF acc[kFrames];
#pragma GCC unroll 8
  for (int t = 0; t < kFrames; ++t) {
    acc[t] = hn::LoadU(d, call.bias + channel);
  }
  const int width = call.vectors * kLanes;
  for (int k = 0; k < call.taps; ++k) {
    const VF w = hn::LoadU(d, call.weights + k * width + channel);
    const float* x = call.x + frame * call.x_step + k * call.tap_step + channel;
#pragma GCC unroll 8
    for (int t = 0; t < kFrames; ++t) {
      acc[t] = hn::MulAdd(w, hn::LoadU(d, x + t * call.x_step), acc[t]);
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kFrames; ++t) {
    hn::Store(acc[t], d, sums + t * kLanes);
  }
}

void block_depthwise(const ConvCall& call) noexcept {
  constexpr int kFrames = 8;
  HWY_ALIGN float sums[kFrames * kLanes];
  for (int t = 0; t < call.frames; t += kFrames) {
    const int frames = HWY_MIN(kFrames, call.frames - t);
    for (int v = 0; v < call.vectors; ++v) {
      const int channel = v * kLanes;
      const FinishCall rows = moved_channels(call.finish, channel);
      if (frames == kFrames) {
        depthwise_tile<kFrames>(call, channel, t, sums);
      } else {
        for (int one = 0; one < frames; ++one) {
          depthwise_tile<1>(call, channel, t + one, sums + one * kLanes);
        }
      }
      finish_rows<1>(rows, t, sums, frames);
    }
  }
}

// One output of up to kNarrowFrames frames of a transposed piece of the input.
HWY_INLINE void narrow_output(const NarrowCall& call, const float* w, float bias, float* sums) {
  const DF d;
  constexpr int kVectors = 8;
  const std::ptrdiff_t pitch = narrow_pitch(call.taps, call.dilation);
  for (int first = 0; first < kNarrowFrames; first += kVectors * kLanes) {
    VF acc[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      acc[v] = hn::Set(d, bias);
    }
    const float* weight = w;
    for (int k = 0; k < call.taps; ++k) {
      const float* x = call.scratch + first + k * call.dilation;
      for (int i = 0; i < call.inputs; ++i, x += pitch) {
        const VF one = hn::Set(d, *weight++);
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
          acc[v] = hn::MulAdd(one, hn::LoadU(d, x + v * kLanes), acc[v]);
        }
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(acc[v], d, sums + first + v * kLanes);
    }
  }
}

// Maps kNarrowFrames values of one channel in place.
HWY_INLINE void map_channel(const PackedMap& map, int channel, float* values) {
  const DF d;
  HWY_ALIGN float alpha[kLanes] = {};
  HWY_ALIGN float inverse_beta[kLanes] = {};
  PackedMap one = map;
  if (map.alpha != nullptr) {
    hn::Store(hn::Set(d, map.alpha[channel]), d, alpha);
    hn::Store(hn::Set(d, map.inverse_beta[channel]), d, inverse_beta);
    one.alpha = alpha;
    one.inverse_beta = inverse_beta;
  }
  with_kind(map.kind, [&](auto kind) HWY_ATTR {
    for (int t = 0; t < kNarrowFrames; t += kLanes) {
      hn::Store(map_simd<decltype(kind)::value>(d, one, hn::Load(d, values + t), 0), d, values + t);
    }
  });
}

void block_narrow(const NarrowCall& call) noexcept {
  HWY_ALIGN float sums[kNarrowFrames] = {};
  const std::ptrdiff_t pitch = narrow_pitch(call.taps, call.dilation);
  const int reach = (call.taps - 1) * call.dilation;
  for (int t = 0; t < call.frames; t += kNarrowFrames) {
    const int frames = HWY_MIN(kNarrowFrames, call.frames - t);
    for (int row = 0; row < frames + reach; ++row) {
      const float* x = call.x + (t + row) * call.x_step;
      for (int i = 0; i < call.inputs; ++i) {
        call.scratch[i * pitch + row] = x[i];
      }
    }
    const FinishCall finish = moved(call.finish, t);
    for (int o = 0; o < call.outputs; ++o) {
      narrow_output(call, call.weights + o * call.taps * call.inputs, call.bias[o], sums);
      for (int j = 0; j < frames; ++j) {
        const float residual =
            finish.residual == nullptr ? 0.0F : finish.residual[j * finish.residual_step + o];
        sums[j] = finish.scale * (finish.residual == nullptr ? sums[j] : sums[j] + residual);
        if (finish.output != nullptr) {
          finish.output[j * finish.output_step + o] = sums[j];
        }
      }
      if (finish.mapped != nullptr) {
        map_channel(finish.map, o, sums);
        for (int j = 0; j < frames; ++j) {
          finish.mapped[j * finish.mapped_step + o] = sums[j];
        }
      }
    }
  }
}

#endif  // ONDES_SIMD_TARGET

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
