// Products of packed matrices with the activations of several lanes, in registers.
//
//   out[lane][o] = init[lane][o] + sum over steps of W[step][o] . x[lane][step]
//
// A Dot says how 32 bits of activations meet the weights of a vector of outputs. Vectors run over
// outputs, activations are broadcast, every output is one accumulator over ascending steps: so a
// lane's sum does not know how many lanes or panels are in the tile. Tiles of 4 vectors x 4 lanes
// have enough independent accumulators to hide the latency of a fused multiply-add twice over; a
// lane alone takes several panels at once instead.
//
// Included once per target. What Highway 1.0 lacks, vpdpbusd and vpdpwssd, is written as single
// instructions: its AVX3_DL target demands that the processor has them, but does not tell the
// compiler, which therefore refuses the intrinsics.
#if defined(ONDES_CPU_DOT_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_DOT_PRODUCTS_INL_H_
#undef ONDES_CPU_DOT_PRODUCTS_INL_H_
#else
#define ONDES_CPU_DOT_PRODUCTS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

#include "engine/cpu/packed_matrix.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

using DF = hn::ScalableTag<float>;
using DI = hn::ScalableTag<std::int32_t>;
using DI16 = hn::ScalableTag<std::int16_t>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;
constexpr int kLanesF = static_cast<int>(hn::MaxLanes(DF()));
constexpr int kTileLanes = HWY_TARGET == HWY_AVX2 ? 3 : 4;
// Panels a lane alone takes at once; AVX2 already has 8 vectors in one.
constexpr int kWidePanels = HWY_TARGET == HWY_AVX2 ? 1 : 4;

struct DotF32 {
  static constexpr bool kInteger = false;
  static constexpr DotFormat kFormat = DotFormat::f32;
  using Acc = VF;
  static HWY_INLINE VF weights(const std::byte* p) {
    return hn::LoadU(DF(), reinterpret_cast<const float*>(p));
  }
  static HWY_INLINE VF activation(const std::uint32_t* p) {
    return hn::Set(DF(), *reinterpret_cast<const float*>(p));
  }
  static HWY_INLINE VF accumulate(VF sum, VF w, VF x) { return hn::MulAdd(w, x, sum); }
};

// Integer sums of 32 bits.
struct DotInteger {
  static constexpr bool kInteger = true;
  using Acc = VI;
  static HWY_INLINE VI activation(const std::uint32_t* p) {
    return hn::Set(DI(), static_cast<std::int32_t>(*p));
  }
  static HWY_INLINE VI weights(const std::byte* p) {
    return hn::LoadU(DI(), reinterpret_cast<const std::int32_t*>(p));
  }
  // w and x hold pairs of int16.
  static HWY_INLINE VI accumulate_pairs(VI sum, VI w, VI x) {
#if HWY_TARGET == HWY_AVX3_DL
    asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(w.raw));
    return sum;
#elif HWY_TARGET == HWY_AVX3
    return VI{_mm512_add_epi32(sum.raw, _mm512_madd_epi16(w.raw, x.raw))};
#else
    return VI{_mm256_add_epi32(sum.raw, _mm256_madd_epi16(w.raw, x.raw))};
#endif
  }
};

struct DotI16 : DotInteger {
  static constexpr DotFormat kFormat = DotFormat::i16_pairs;
  static HWY_INLINE VI accumulate(VI sum, VI w, VI x) { return accumulate_pairs(sum, w, x); }
};

#if HWY_TARGET == HWY_AVX3_DL
struct DotI8 : DotInteger {
  static constexpr DotFormat kFormat = DotFormat::i8_quads;
  static HWY_INLINE VI accumulate(VI sum, VI w, VI x) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(w.raw));
    return sum;
  }
};
#else
// Bytes are widened on load: products of pairs cannot saturate.
struct DotI8 : DotInteger {
  static constexpr DotFormat kFormat = DotFormat::i8_pairs;
  static HWY_INLINE VI weights(const std::byte* p) {
    const hn::Rebind<std::int8_t, DI16> d8;
    const auto bytes = hn::LoadU(d8, reinterpret_cast<const std::int8_t*>(p));
    return hn::BitCast(DI(), hn::PromoteTo(DI16(), bytes));
  }
  static HWY_INLINE VI accumulate(VI sum, VI w, VI x) { return accumulate_pairs(sum, w, x); }
};
#endif

// Where a tile's weights lie: outputs [first, first + kVectors * vector length) of kPanels panels.
template <class Dot, int kVectors>
struct TileWeights {
  static constexpr std::size_t kCell = weight_bytes_per_step(Dot::kFormat);

  HWY_INLINE TileWeights(const PackedMatrix& m, int first_output, int first_step)
      : first(first_output) {
    const int panel = first / kPanelOutputs * kPanelOutputs;
    const auto width = static_cast<std::size_t>(HWY_MIN(kPanelOutputs, m.outputs - panel));
    const auto steps = static_cast<std::size_t>(m.steps);
    row_bytes = kCell * width;
    panel_bytes = kCell * kPanelOutputs * steps;
    row = m.weights + kCell * static_cast<std::size_t>(panel) * steps +
          row_bytes * static_cast<std::size_t>(first_step) +
          kCell * static_cast<std::size_t>(first - panel);
  }
  // Output of column c; columns run through a panel's vectors, then through the panels.
  HWY_INLINE int output(int c) const {
    return first + c / kVectors * kPanelOutputs + c % kVectors * kLanesF;
  }
  HWY_INLINE const std::byte* column(int c) const {
    return row + static_cast<std::size_t>(c / kVectors) * panel_bytes +
           kCell * static_cast<std::size_t>(c % kVectors * kLanesF);
  }

  int first;
  std::size_t row_bytes;
  std::size_t panel_bytes;
  const std::byte* HWY_RESTRICT row;
};

// The products themselves: `steps` steps of all columns and lanes.
template <class Dot, int kVectors, int kColumns, int kLanes>
HWY_INLINE void run_steps(TileWeights<Dot, kVectors> at,
                          int steps,
                          const std::uint32_t* const (&x)[kLanes],
                          typename Dot::Acc (&sums)[kColumns][kLanes]) {
  const auto count = static_cast<std::size_t>(steps);
  for (std::size_t s = 0; s < count; ++s) {
    typename Dot::Acc weights[kColumns];
#pragma GCC unroll 16
    for (int c = 0; c < kColumns; ++c) {
      weights[c] = Dot::weights(at.column(c));
    }
#pragma GCC unroll 8
    for (int n = 0; n < kLanes; ++n) {
      const auto activation = Dot::activation(x[n] + s);
#pragma GCC unroll 16
      for (int c = 0; c < kColumns; ++c) {
        sums[c][n] = Dot::accumulate(sums[c][n], weights[c], activation);
      }
    }
    at.row += at.row_bytes;
  }
}

template <class Dot, int kVectors, int kPanels, int kLanes>
HWY_INLINE void tile(const PackedMatrix& m, int first, const LaneOperands* HWY_RESTRICT lanes) {
  constexpr int kColumns = kVectors * kPanels;
  const TileWeights<Dot, kVectors> at(m, first, 0);
  typename Dot::Acc sums[kColumns][kLanes];
#pragma GCC unroll 16
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 8
    for (int n = 0; n < kLanes; ++n) {
      if constexpr (!Dot::kInteger) {
        sums[c][n] = hn::LoadU(DF(), lanes[n].init + at.output(c));
      } else if constexpr (Dot::kFormat == DotFormat::i8_quads) {
        sums[c][n] = hn::LoadU(DI(), m.offsets + at.output(c));
      } else {
        sums[c][n] = hn::Zero(DI());
      }
    }
  }
  const std::uint32_t* x[kLanes];
#pragma GCC unroll 8
  for (int n = 0; n < kLanes; ++n) {
    x[n] = lanes[n].x;
  }
  run_steps<Dot, kVectors, kColumns, kLanes>(at, m.steps, x, sums);
#pragma GCC unroll 16
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 8
    for (int n = 0; n < kLanes; ++n) {
      if constexpr (Dot::kInteger) {
        const VF scale =
            hn::Mul(hn::LoadU(DF(), m.scales + at.output(c)), hn::Set(DF(), lanes[n].scale));
        const VF init = hn::LoadU(DF(), lanes[n].init + at.output(c));
        hn::StoreU(hn::MulAdd(hn::ConvertTo(DF(), sums[c][n]), scale, init), DF(),
                   lanes[n].out + at.output(c));
      } else {
        hn::StoreU(sums[c][n], DF(), lanes[n].out + at.output(c));
      }
    }
  }
}

template <class Dot, int kLanes>
HWY_INLINE void panel_of_lanes(const PackedMatrix& m, int panel, const LaneOperands* lanes) {
  const int end = HWY_MIN(panel + kPanelOutputs, m.outputs);
  for (int first = panel; first < end; first += 4 * kLanesF) {
    switch (HWY_MIN(4, (end - first) / kLanesF)) {
      case 1:
        tile<Dot, 1, 1, kLanes>(m, first, lanes);
        break;
      case 2:
        tile<Dot, 2, 1, kLanes>(m, first, lanes);
        break;
      case 3:
        tile<Dot, 3, 1, kLanes>(m, first, lanes);
        break;
      default:
        tile<Dot, 4, 1, kLanes>(m, first, lanes);
        break;
    }
  }
}

template <class Dot>
HWY_INLINE void product_of_one(const PackedMatrix& m, const LaneOperands* lane) {
  constexpr int kPanelVectors = kPanelOutputs / kLanesF;
  int panel = 0;
  for (; panel + kWidePanels * kPanelOutputs <= m.outputs; panel += kWidePanels * kPanelOutputs) {
    tile<Dot, kPanelVectors, kWidePanels, 1>(m, panel, lane);
  }
  if constexpr (kWidePanels > 2) {
    if (panel + 2 * kPanelOutputs <= m.outputs) {
      tile<Dot, kPanelVectors, 2, 1>(m, panel, lane);
      panel += 2 * kPanelOutputs;
    }
  }
  for (; panel < m.outputs; panel += kPanelOutputs) {
    panel_of_lanes<Dot, 1>(m, panel, lane);
  }
}

// `operands` holds one entry a lane.
template <class Dot>
HWY_NOINLINE void product(const PackedMatrix& m,
                          int lanes,
                          const LaneOperands* HWY_RESTRICT operands) {
  if (lanes == 1) {
    product_of_one<Dot>(m, operands);
    return;
  }
  for (int panel = 0; panel < m.outputs; panel += kPanelOutputs) {
    for (int lane = 0; lane < lanes; lane += kTileLanes) {
      const LaneOperands* few = operands + lane;
      switch (HWY_MIN(kTileLanes, lanes - lane)) {
        case 1:
          panel_of_lanes<Dot, 1>(m, panel, few);
          break;
        case 2:
          panel_of_lanes<Dot, 2>(m, panel, few);
          break;
        case 3:
          panel_of_lanes<Dot, 3>(m, panel, few);
          break;
        default:
          panel_of_lanes<Dot, kTileLanes>(m, panel, few);
          break;
      }
    }
  }
}

// A product of one lane taken in parts, as its activations become known: begin, steps in ascending
// order, finish. The sums wait in memory, as floats or int32, and are the same as product()'s.
template <class Dot>
HWY_INLINE void begin_parts(const PackedMatrix& m, const float* init, std::uint32_t* sums) {
  const void* from = Dot::kInteger ? static_cast<const void*>(m.offsets) : init;
  const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(m.outputs);
  if (Dot::kInteger && m.offsets == nullptr) {
    std::memset(sums, 0, bytes);
  } else {
    std::memcpy(sums, from, bytes);
  }
}

template <class Dot, int kVectors, int kPanels>
HWY_INLINE void add_part_of_tile(const PackedMatrix& m,
                                 int first,
                                 int first_step,
                                 int steps,
                                 const std::uint32_t* activations,
                                 std::uint32_t* sums) {
  constexpr int kColumns = kVectors * kPanels;
  const hn::DFromV<typename Dot::Acc> d;
  using Element = hn::TFromD<decltype(d)>;
  const TileWeights<Dot, kVectors> at(m, first, first_step);
  auto* memory = reinterpret_cast<Element*>(sums);
  typename Dot::Acc registers[kColumns][1];
#pragma GCC unroll 16
  for (int c = 0; c < kColumns; ++c) {
    registers[c][0] = hn::LoadU(d, memory + at.output(c));
  }
  const std::uint32_t* const x[1] = {activations};
  run_steps<Dot, kVectors, kColumns, 1>(at, steps, x, registers);
#pragma GCC unroll 16
  for (int c = 0; c < kColumns; ++c) {
    hn::StoreU(registers[c][0], d, memory + at.output(c));
  }
}

template <class Dot>
HWY_NOINLINE void add_part(
    const PackedMatrix& m, int first_step, int steps, const std::uint32_t* x, std::uint32_t* sums) {
  constexpr int kPanelVectors = kPanelOutputs / kLanesF;
  int first = 0;
  for (; first + kWidePanels * kPanelOutputs <= m.outputs; first += kWidePanels * kPanelOutputs) {
    add_part_of_tile<Dot, kPanelVectors, kWidePanels>(m, first, first_step, steps, x, sums);
  }
  for (; first + kPanelOutputs <= m.outputs; first += kPanelOutputs) {
    add_part_of_tile<Dot, kPanelVectors, 1>(m, first, first_step, steps, x, sums);
  }
  for (; first < m.outputs; first += kOutputPadding) {
    add_part_of_tile<Dot, kOutputPadding / kLanesF, 1>(m, first, first_step, steps, x, sums);
  }
}

template <class Dot>
HWY_INLINE void finish_parts(
    const PackedMatrix& m, float scale, const float* init, const std::uint32_t* sums, float* out) {
  if constexpr (!Dot::kInteger) {
    std::memcpy(out, sums, sizeof(float) * static_cast<std::size_t>(m.outputs));
  } else {
    const VF activation_scale = hn::Set(DF(), scale);
    for (int o = 0; o < m.outputs; o += kLanesF) {
      const VI sum = hn::LoadU(DI(), reinterpret_cast<const std::int32_t*>(sums) + o);
      const VF both = hn::Mul(hn::LoadU(DF(), m.scales + o), activation_scale);
      hn::StoreU(hn::MulAdd(hn::ConvertTo(DF(), sum), both, hn::LoadU(DF(), init + o)), DF(),
                 out + o);
    }
  }
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
