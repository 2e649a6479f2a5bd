// For which instruction sets Highway compiles our vector code. Included before any of <hwy/...> by
// every file that foreach_target.h compiles again and again, so that all of them agree.
//
// Scalar work is the judge's: sets between it and AVX2 have no fused multiply-add, without which
// the bits would differ. AVX3_DL, AVX-512 with integer dot products (VNNI), has to be asked for.
// What must stand in each such file and cannot come from a header: HWY_TARGET_INCLUDE, which is its
// own name, and the two includes behind it. Any thread.
#pragma once

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#ifndef HWY_WANT_AVX3_DL
#define HWY_WANT_AVX3_DL
#endif

#include <hwy/targets.h>  // below the choice that it reads

// Whether the target being compiled has vector code. Highway defines its parts later.
#define ONDES_SIMD_TARGET \
  (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL)
