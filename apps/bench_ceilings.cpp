#include "apps/bench_ceilings.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "apps/bench_ceilings.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/cpu/dot_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL

constexpr int kRegisters = HWY_TARGET == HWY_AVX2 ? 12 : 16;

// Keeps a value, and so the work behind it, from being optimised away.
template <class V>
HWY_INLINE void keep(V value) {
  asm volatile("" : : "v"(value.raw) : "memory");
}

void load(const std::byte* data, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 512) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 512; i += sizeof(float) * kLanesF) {
      keep(hn::LoadU(DF(), reinterpret_cast<const float*>(data + at + i)));
    }
  }
}

template <class Dot>
double multiply(int rounds) {
  const std::uint32_t one = 0x01010101;
  alignas(64) static const std::byte kWeights[64] = {};
  const auto weights = Dot::weights(kWeights);
  typename Dot::Acc sums[kRegisters];
#pragma GCC unroll 16
  for (auto& sum : sums) {
    sum = hn::BitCast(hn::DFromV<typename Dot::Acc>(), hn::Zero(DI()));
  }
  const auto x = Dot::activation(&one);
  for (int r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kRegisters; ++i) {
      sums[i] = Dot::accumulate(sums[i], weights, x);
      asm volatile("" : "+v"(sums[i].raw));
    }
  }
#pragma GCC unroll 16
  for (const auto& sum : sums) {
    keep(sum);
  }
  return 1.0 * rounds * kRegisters * kLanesF * inputs_per_step(Dot::kFormat);
}

const CeilingPasses* passes() {
  static constexpr CeilingPasses kPasses{&load, &multiply<DotF32>, &multiply<DotI16>,
                                         &multiply<DotI8>};
  return &kPasses;
}

#else

const CeilingPasses* passes() {
  return nullptr;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {
namespace {

using Maker = const CeilingPasses* (*)();

const CeilingPasses* made(Maker maker) {
  return maker == nullptr ? nullptr : maker();
}

}  // namespace

const CeilingPasses* ceiling_passes(Isa isa) {
  const std::int64_t supported = hwy::SupportedTargets();
  if (isa == Isa::avx2 && (supported & HWY_AVX2) != 0) {
    return made(HWY_CHOOSE_AVX2(passes));
  }
  if (isa == Isa::avx512 && (supported & HWY_AVX3_DL) != 0) {
    return made(HWY_CHOOSE_AVX3_DL(passes));
  }
  if (isa == Isa::avx512 && (supported & HWY_AVX3) != 0) {
    return made(HWY_CHOOSE_AVX3(passes));
  }
  return nullptr;
}

}  // namespace ondes
#endif  // HWY_ONCE
