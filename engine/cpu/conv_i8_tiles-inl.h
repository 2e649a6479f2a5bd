// The register tiles of conv_tiles-inl.h in integers: 8-bit inputs without sign, 8-bit weights with
// one, sums of 32 bits, four channels a step. Nothing rounds before the sum is complete, so the
// bits are the same on every instruction set. Included once per target.
#if defined(ONDES_CPU_CONV_I8_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_CONV_I8_TILES_INL_H_
#undef ONDES_CPU_CONV_I8_TILES_INL_H_
#else
#define ONDES_CPU_CONV_I8_TILES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>
#include <utility>

#include "engine/cpu/conv_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

using DI32 = hn::ScalableTag<std::int32_t>;
using VI32 = hn::Vec<DI32>;

// Weights of a step, ready to meet bytes. Without VNNI the products of bytes are taken as 16-bit
// ones, even and odd bytes apart: vpmaddubsw would saturate.
struct QuadWeights {
#if HWY_TARGET == HWY_AVX3_DL
  VI32 quads;
  HWY_INLINE explicit QuadWeights(const std::int8_t* p)
      : quads(hn::LoadU(DI32(), reinterpret_cast<const std::int32_t*>(p))) {}
  HWY_INLINE VI32 accumulate(VI32 sum, VI32 x) const {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(quads.raw));
    return sum;
  }
#else
  using DI16 = hn::ScalableTag<std::int16_t>;
  hn::Vec<DI16> even;
  hn::Vec<DI16> odd;
  HWY_INLINE explicit QuadWeights(const std::int8_t* p) {
    const DI16 d16;
    const auto both = hn::BitCast(d16, hn::LoadU(DI32(), reinterpret_cast<const std::int32_t*>(p)));
    even = hn::ShiftRight<8>(hn::ShiftLeft<8>(both));
    odd = hn::ShiftRight<8>(both);
  }
  HWY_INLINE VI32 accumulate(VI32 sum, VI32 x) const {
    const hn::Vec<DI16> low = hn::BitCast(DI16(), hn::And(x, hn::Set(DI32(), 0x00FF00FF)));
    const hn::Vec<DI16> high =
        hn::BitCast(DI16(), hn::And(hn::ShiftRight<8>(x), hn::Set(DI32(), 0x00FF00FF)));
#if HWY_TARGET == HWY_AVX3
    const VI32 products{_mm512_add_epi32(_mm512_madd_epi16(even.raw, low.raw),
                                         _mm512_madd_epi16(odd.raw, high.raw))};
#else
    const VI32 products{_mm256_add_epi32(_mm256_madd_epi16(even.raw, low.raw),
                                         _mm256_madd_epi16(odd.raw, high.raw))};
#endif
    return hn::Add(sum, products);
  }
#endif
};

HWY_INLINE VI32 four_bytes(const std::uint8_t* p) {
  std::int32_t value;
  std::memcpy(&value, p, sizeof(value));
  return hn::Set(DI32(), value);
}

template <int kVectors, int kFrames>
HWY_NOINLINE void conv_i8_tile_of(const ConvI8Call& call, const std::uint8_t* first, float* sums) {
  const DF d;
  constexpr int kBases = (kFrames + 2) / 3;
  VI32 acc[kFrames][kVectors];
#pragma GCC unroll 12
  for (int t = 0; t < kFrames; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      acc[t][v] = hn::LoadU(DI32(), call.start + v * kLanes);
    }
  }
  const std::ptrdiff_t step = call.x_step;
  const std::int8_t* HWY_RESTRICT w = call.weights;
  for (int k = 0; k < call.taps; ++k) {
    const std::uint8_t* bases[kBases];
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) {
      bases[b] = first + k * call.tap_step + 3 * b * step;
    }
    for (int q = 0; q < call.quads; ++q) {
      if constexpr (kVectors == 2) {
        const QuadWeights weights0(w);
        const QuadWeights weights1(w + 4 * kLanes);
#pragma GCC unroll 12
        for (int t = 0; t < kFrames; ++t) {
          const VI32 x = four_bytes(bases[t / 3] + t % 3 * step + 4 * q);
          acc[t][0] = weights0.accumulate(acc[t][0], x);
          acc[t][1] = weights1.accumulate(acc[t][1], x);
        }
      } else {
        const QuadWeights weights0(w);
#pragma GCC unroll 12
        for (int t = 0; t < kFrames; ++t) {
          acc[t][0] =
              weights0.accumulate(acc[t][0], four_bytes(bases[t / 3] + t % 3 * step + 4 * q));
        }
      }
      w += 4 * kVectors * kLanes;
    }
  }
#pragma GCC unroll 12
  for (int t = 0; t < kFrames; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const VF y = hn::MulAdd(hn::ConvertTo(d, acc[t][v]), hn::LoadU(d, call.scales + v * kLanes),
                              hn::LoadU(d, call.bias + v * kLanes));
      hn::Store(y, d, sums + (t * kVectors + v) * kLanes);
    }
  }
}

using ConvI8Tile = void (*)(const ConvI8Call& call, const std::uint8_t* first, float* sums);

template <int kVectors, int... kFrames>
HWY_INLINE ConvI8Tile conv_i8_tile_for(int frames, std::integer_sequence<int, kFrames...>) {
  static constexpr ConvI8Tile kTiles[] = {&conv_i8_tile_of<kVectors, kFrames + 1>...};
  return kTiles[frames - 1];
}

template <int kVectors>
HWY_INLINE void conv_i8_panel(const ConvI8Call& call) {
  HWY_ALIGN float sums[kTileFrames * kVectors * kLanes];
  const auto sizes = std::make_integer_sequence<int, kTileFrames>();
  int tiles = (call.frames + kTileFrames - 1) / kTileFrames;
  for (int t = 0; t < call.frames; --tiles) {
    const int frames = (call.frames - t + tiles - 1) / tiles;
    conv_i8_tile_for<kVectors>(frames, sizes)(call, call.x + t * call.x_step, sums);
    finish_rows<kVectors>(call.finish, t, sums, frames);
    t += frames;
  }
}

void block_conv_i8(const ConvI8Call& call) noexcept {
  if (call.vectors == 2) {
    conv_i8_panel<2>(call);
  } else {
    conv_i8_panel<1>(call);
  }
}

void block_quantise(const QuantiseCall& call) noexcept {
  const DF d;
  for (int c = 0; c < call.channels; c += kLanes) {
    const Steps<1> steps(moved_channels(call.bytes, c));
    for (int t = 0; t < call.frames; ++t) {
      steps.store(hn::LoadU(d, call.x + std::ptrdiff_t{t} * call.width + c), 0,
                  call.bytes.to + t * call.bytes.step + c);
    }
  }
}

#endif  // ONDES_SIMD_TARGET

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
