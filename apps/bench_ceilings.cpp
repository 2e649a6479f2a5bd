#include "apps/bench_ceilings.h"

#include "engine/cpu/isa_table.h"
#include "engine/ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "apps/bench_ceilings.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/cpu/dot_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

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

const CeilingPasses* ceiling_passes(Isa isa) {
  return table_of_isa<CeilingPasses>(isa, HWY_CHOOSE_AVX2(passes), HWY_CHOOSE_AVX3(passes),
                                     HWY_CHOOSE_AVX3_DL(passes));
}

}  // namespace ondes
#endif  // HWY_ONCE
