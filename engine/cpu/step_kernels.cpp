// The step kernels compiled for every instruction set, and the choice among them.
#include "engine/cpu/step_kernels_internal.h"

// Scalar work is the judge's; sets between it and AVX2 have no fused multiply-add.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/step_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/cpu/step_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL

// i8 keeps 16 bits in the last product of continuous distributions (engine/cpu/runner_options.h).
void advance_f32(const GroupCall& call) noexcept {
  Group<DotF32, DotF32>(call).run();
}
void advance_i16(const GroupCall& call) noexcept {
  Group<DotI16, DotI16>(call).run();
}
void advance_i8(const GroupCall& call) noexcept {
  if (call.model->output_format == DotFormat::i16_pairs) {
    Group<DotI8, DotI16>(call).run();
  } else {
    Group<DotI8, DotI8>(call).run();
  }
}

const StepKernels* kernels() {
#if HWY_TARGET == HWY_AVX3_DL
  constexpr const char* kName = "avx512 (vnni)";
#elif HWY_TARGET == HWY_AVX3
  constexpr const char* kName = "avx512";
#else
  constexpr const char* kName = "avx2";
#endif
  static constexpr StepKernels kKernels{kName, DotI8::kFormat, &advance_f32, &advance_i16,
                                        &advance_i8};
  return &kKernels;
}

#else

const StepKernels* kernels() {
  return nullptr;
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {
namespace {

using Maker = const StepKernels* (*)();

const StepKernels* made(Maker maker) {
  return maker == nullptr ? nullptr : maker();
}

}  // namespace

const StepKernels* step_kernels(Isa isa) {
  const std::int64_t supported = hwy::SupportedTargets();
  if (isa == Isa::avx2 && (supported & HWY_AVX2) != 0) {
    return made(HWY_CHOOSE_AVX2(kernels));
  }
  if (isa == Isa::avx512 && (supported & HWY_AVX3_DL) != 0) {
    return made(HWY_CHOOSE_AVX3_DL(kernels));
  }
  if (isa == Isa::avx512 && (supported & HWY_AVX3) != 0) {
    return made(HWY_CHOOSE_AVX3(kernels));
  }
  return nullptr;
}

}  // namespace ondes
#endif  // HWY_ONCE
