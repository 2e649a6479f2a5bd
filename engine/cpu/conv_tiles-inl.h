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

#include "engine/cpu/block_maps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));
constexpr int kTileFrames = HWY_TARGET == HWY_AVX2 ? 6 : 12;

// The steps of some vectors of channels (QuantisedCall), held in registers over frames: a store of
// bytes might change anything, so that a compiler would load them again.
template <int kVectors>
struct Steps {
  VF inverse[kVectors];
  VF zero[kVectors];
  HWY_INLINE explicit Steps(const QuantisedCall& call) {
    const DF d;
    for (int v = 0; v < kVectors; ++v) {
      inverse[v] = call.to == nullptr ? hn::Zero(d) : hn::LoadU(d, call.inverse + v * kLanes);
      zero[v] = call.to == nullptr ? hn::Zero(d) : hn::LoadU(d, call.zero + v * kLanes);
    }
  }
  HWY_INLINE void store(VF x, int vector, std::uint8_t* to) const {
    const DF d;
    const hn::RebindToSigned<DF> di;
    const hn::Rebind<std::uint8_t, DF> d8;
    VF v = hn::MulAdd(x, inverse[vector], zero[vector]);
    v = hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0F));
    v = hn::Sub(hn::Add(v, hn::Set(d, 12582912.0F)), hn::Set(d, 12582912.0F));
    hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(di, v)), d8, to);
  }
};

// Epilogue of `frames` rows of kVectors vectors, contiguous in `sums`; the call's pointers stand at
// the first of them.
template <int kVectors>
HWY_NOINLINE void finish_rows(const FinishCall& call, const float* HWY_RESTRICT sums, int frames) {
  const DF d;
  const VF scale = hn::Set(d, call.scale);
  const Steps<kVectors> output_steps(call.output_bytes);
  const Steps<kVectors> mapped_steps(call.mapped_bytes);
  with_kind(call.map.kind, [&](auto kind) HWY_ATTR {
    for (int t = 0; t < frames; ++t) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const int at = v * kLanes;
        VF z = hn::Load(d, sums + t * kVectors * kLanes + at);
        if (call.residual != nullptr) {
          z = hn::Add(z, hn::LoadU(d, call.residual + t * call.residual_step + at));
        }
        z = hn::Mul(scale, z);
        if (call.output != nullptr) {
          hn::StoreU(z, d, call.output + t * call.output_step + at);
        }
        if (call.output_bytes.to != nullptr) {
          output_steps.store(z, v, call.output_bytes.to + t * call.output_bytes.step + at);
        }
        if (call.mapped == nullptr && call.mapped_bytes.to == nullptr) {
          continue;
        }
        z = map_simd<decltype(kind)::value>(d, call.map, z, at);
        if (call.mapped != nullptr) {
          hn::StoreU(z, d, call.mapped + t * call.mapped_step + at);
        }
        if (call.mapped_bytes.to != nullptr) {
          mapped_steps.store(z, v, call.mapped_bytes.to + t * call.mapped_bytes.step + at);
        }
      }
    }
  });
}

// The call's pointers moved on by some frames.
HWY_INLINE FinishCall moved(const FinishCall& call, int frames) {
  FinishCall to = call;
  to.residual = call.residual == nullptr ? nullptr : call.residual + frames * call.residual_step;
  to.output = call.output == nullptr ? nullptr : call.output + frames * call.output_step;
  to.mapped = call.mapped == nullptr ? nullptr : call.mapped + frames * call.mapped_step;
  for (QuantisedCall* bytes : {&to.output_bytes, &to.mapped_bytes}) {
    bytes->to = bytes->to == nullptr ? nullptr : bytes->to + frames * bytes->step;
  }
  return to;
}
HWY_INLINE QuantisedCall moved_channels(const QuantisedCall& call, int channels) {
  if (call.to == nullptr) {
    return call;
  }
  return {call.to + channels, call.step, call.inverse + channels, call.zero + channels};
}
HWY_INLINE FinishCall moved_channels(const FinishCall& call, int channels) {
  FinishCall to = call;
  to.residual = call.residual == nullptr ? nullptr : call.residual + channels;
  to.output = call.output == nullptr ? nullptr : call.output + channels;
  to.mapped = call.mapped == nullptr ? nullptr : call.mapped + channels;
  to.output_bytes = moved_channels(call.output_bytes, channels);
  to.mapped_bytes = moved_channels(call.mapped_bytes, channels);
  if (call.map.alpha != nullptr) {
    to.map.alpha += channels;
    to.map.inverse_beta += channels;
  }
  return to;
}

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
    finish_rows<kVectors>(moved(call.finish, t), sums, frames);
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
    const FinishCall rows = moved(call.finish, t);
    for (int v = 0; v < call.vectors; ++v) {
      const int channel = v * kLanes;
      if (frames == kFrames) {
        depthwise_tile<kFrames>(call, channel, t, sums);
      } else {
        for (int one = 0; one < frames; ++one) {
          depthwise_tile<1>(call, channel, t + one, sums + one * kLanes);
        }
      }
      finish_rows<1>(moved_channels(rows, channel), sums, frames);
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
