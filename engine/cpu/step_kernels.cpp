// The step kernels compiled for every instruction set, and the choice among them.
#include "engine/cpu/isa_table.h"
#include "engine/cpu/step_kernels_internal.h"
#include "engine/ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/step_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/cpu/step_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

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

const StepKernels* step_kernels(Isa isa) {
  return table_of_isa<StepKernels>(isa, HWY_CHOOSE_AVX2(kernels), HWY_CHOOSE_AVX3(kernels),
                                   HWY_CHOOSE_AVX3_DL(kernels));
}

}  // namespace ondes
#endif  // HWY_ONCE
