// The kernels of block plans compiled for every instruction set, and the choice among them.
#include "engine/cpu/block_kernels_internal.h"
#include "engine/cpu/isa_table.h"
#include "engine/ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/block_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "engine/cpu/conv_i8_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

constexpr int kSummedRows = 16;

// kVectors vectors of channels of up to kSummedRows frames.
template <int kVectors>
HWY_INLINE void sum_piece(const SumCall& call, int first, int channel, int frames) {
  const DF d;
  HWY_ALIGN float sums[kSummedRows * kVectors * kLanes];
  for (int t = 0; t < frames; ++t) {
    for (int v = 0; v < kVectors; ++v) {
      const std::ptrdiff_t at = std::ptrdiff_t{first + t} * call.width + channel + v * kLanes;
      VF total = hn::LoadU(d, call.inputs[0] + at);
      for (int i = 1; i < call.count; ++i) {
        total = hn::Add(total, hn::LoadU(d, call.inputs[i] + at));
      }
      hn::Store(total, d, sums + (t * kVectors + v) * kLanes);
    }
  }
  finish_rows<kVectors>(moved_channels(call.finish, channel), first, sums, frames);
}

void block_sum(const SumCall& call) noexcept {
  for (int t = 0; t < call.frames; t += kSummedRows) {
    const int frames = HWY_MIN(kSummedRows, call.frames - t);
    int c = 0;
    for (; c + 2 * kLanes <= call.channels; c += 2 * kLanes) {
      sum_piece<2>(call, t, c, frames);
    }
    if (c < call.channels) {
      sum_piece<1>(call, t, c, frames);
    }
  }
}

void block_gate(const GateCall& call) noexcept {
  const DF d;
  with_kind(call.first.kind, [&](auto first) HWY_ATTR {
    with_kind(call.second.kind, [&](auto second) HWY_ATTR {
      for (int t = 0; t < call.frames; ++t) {
        const float* x = call.x + std::ptrdiff_t{t} * call.x_width;
        for (int c = 0; c < call.channels; c += kLanes) {
          const VF a = map_simd<decltype(first)::value>(d, call.first, hn::LoadU(d, x + c), c);
          const VF b = map_simd<decltype(second)::value>(d, call.second,
                                                         hn::LoadU(d, x + call.channels + c), c);
          hn::StoreU(hn::Mul(a, b), d, call.output + std::ptrdiff_t{t} * call.output_width + c);
        }
      }
    });
  });
}

// The sum of 16 partial sums, folded by halves as in engine/ops/norm_sums.h.
HWY_INLINE float fold(float* partial) {
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) {
      partial[i] = partial[i] + partial[i + width];
    }
  }
  return partial[0];
}

template <class Term>
HWY_INLINE float channel_sum(const float* x, int channels, const Term& term) {
  const DF d;
  constexpr int kParts = 16 / kLanes;
  VF acc[kParts];
  for (int p = 0; p < kParts; ++p) {
    acc[p] = hn::Zero(d);
  }
  int c = 0;
  for (; c + 16 <= channels; c += 16) {
    for (int p = 0; p < kParts; ++p) {
      acc[p] = term(hn::LoadU(d, x + c + p * kLanes), acc[p]);
    }
  }
  HWY_ALIGN float partial[16];
  for (int p = 0; p < kParts; ++p) {
    const int left = channels - c - p * kLanes;
    if (left > 0) {
      const auto inside = hn::FirstN(d, static_cast<std::size_t>(HWY_MIN(left, kLanes)));
      acc[p] = hn::IfThenElse(inside, term(hn::LoadU(d, x + c + p * kLanes), acc[p]), acc[p]);
    }
    hn::Store(acc[p], d, partial + p * kLanes);
  }
  return fold(partial);
}

void block_norm(const NormCall& call) noexcept {
  const DF d;
  const auto count = static_cast<float>(call.channels);
  for (int t = 0; t < call.frames; ++t) {
    const float* x = call.x + std::ptrdiff_t{t} * call.width;
    float* y = call.output + std::ptrdiff_t{t} * call.width;
    const float mean =
        channel_sum(x, call.channels, [](VF v, VF acc) HWY_ATTR { return hn::Add(acc, v); }) /
        count;
    const VF means = hn::Set(d, mean);
    const float squares = channel_sum(x, call.channels, [&](VF v, VF acc) HWY_ATTR {
      const VF difference = hn::Sub(v, means);
      return hn::MulAdd(difference, difference, acc);
    });
    const VF inverse = hn::Set(d, 1.0F / std::sqrt(squares / count + call.epsilon));
    for (int c = 0; c < call.channels; c += kLanes) {
      const VF normal = hn::Mul(hn::Sub(hn::LoadU(d, x + c), means), inverse);
      hn::StoreU(hn::MulAdd(normal, hn::LoadU(d, call.gain + c), hn::LoadU(d, call.bias + c)), d,
                 y + c);
    }
  }
}

void block_cell(const CellCall& call) noexcept {
  const DF d;
  for (int c = 0; c < call.width; c += kLanes) {
    const float* g = call.gates + c;
    const VF in = sigmoid_simd(d, hn::LoadU(d, g));
    const VF keep = sigmoid_simd(d, hn::LoadU(d, g + call.width));
    const VF added = hn::Mul(in, tanh_simd(d, hn::LoadU(d, g + 2 * call.width)));
    const VF now = hn::MulAdd(keep, hn::LoadU(d, call.cell + c), added);
    hn::StoreU(now, d, call.cell + c);
    const VF out = sigmoid_simd(d, hn::LoadU(d, g + 3 * call.width));
    hn::StoreU(hn::Mul(out, tanh_simd(d, now)), d, call.hidden + c);
  }
}

const BlockKernels* block_kernel_table() {
#if HWY_TARGET == HWY_AVX3_DL
  constexpr const char* kName = "avx512 (vnni)";
#elif HWY_TARGET == HWY_AVX3
  constexpr const char* kName = "avx512";
#else
  constexpr const char* kName = "avx2";
#endif
  static constexpr BlockKernels kKernels{
      kName,       kLanes,      &block_conv, &block_depthwise, &block_narrow,  &block_sum,
      &block_gate, &block_norm, &block_cell, &block_conv_i8,   &block_quantise};
  return &kKernels;
}

#else

const BlockKernels* block_kernel_table() {
  return nullptr;
}

#endif  // ONDES_SIMD_TARGET

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {

const BlockKernels* block_kernels(Isa isa) {
  if (isa == Isa::scalar) {
    return scalar_block_kernels();
  }
  return table_of_isa<BlockKernels>(isa, HWY_CHOOSE_AVX2(block_kernel_table),
                                    HWY_CHOOSE_AVX3(block_kernel_table),
                                    HWY_CHOOSE_AVX3_DL(block_kernel_table));
}

}  // namespace ondes
#endif  // HWY_ONCE
