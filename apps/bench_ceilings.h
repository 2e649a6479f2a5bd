// What the machine itself can do, measured beside the benchmarks it bounds: passes that only load,
// and passes that only multiply. Any thread.
#pragma once
#include <cstddef>

#include "engine/cpu/runner_options.h"

namespace ondes {

// One pass of one instruction set. Null where the machine does not have it.
struct CeilingPasses {
  // Reads every byte once (bytes a multiple of 512).
  void (*load)(const std::byte* data, std::size_t bytes);
  // Multiplies and accumulates in 16 independent registers; returns the number of
  // multiply-accumulates made.
  double (*multiply_f32)(int rounds);
  double (*multiply_i16)(int rounds);
  double (*multiply_i8)(int rounds);
};

const CeilingPasses* ceiling_passes(Isa isa);

}  // namespace ondes
