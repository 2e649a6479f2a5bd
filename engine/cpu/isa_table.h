// The choice among tables of functions that Highway compiled for several instruction sets. Set-up
// thread: a table is chosen once, when a runner is made.
//
//   table_of_isa<StepKernels>(isa, HWY_CHOOSE_AVX2(kernels), HWY_CHOOSE_AVX3(kernels),
//                             HWY_CHOOSE_AVX3_DL(kernels))
#pragma once
#include <cstdint>

#include "engine/cpu/runner_options.h"
#include "engine/ops/simd_targets.h"

namespace ondes {

template <class Table>
using IsaTableMaker = const Table* (*)();

// Null if this machine does not have the instruction set, the build left it out, or it is the
// scalar one, which is the judge's.
template <class Table>
const Table* table_of_isa(Isa isa,
                          IsaTableMaker<Table> avx2,
                          IsaTableMaker<Table> avx512,
                          IsaTableMaker<Table> avx512_vnni) {
  const std::int64_t supported = hwy::SupportedTargets();
  IsaTableMaker<Table> maker = nullptr;
  if (isa == Isa::avx2 && (supported & HWY_AVX2) != 0) {
    maker = avx2;
  } else if (isa == Isa::avx512 && (supported & HWY_AVX3_DL) != 0) {
    maker = avx512_vnni;
  } else if (isa == Isa::avx512 && (supported & HWY_AVX3) != 0) {
    maker = avx512;
  }
  return maker == nullptr ? nullptr : maker();
}

}  // namespace ondes
