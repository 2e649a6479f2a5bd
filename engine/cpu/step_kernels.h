// The vector kernels of one instruction set: a group of lanes advanced by a block of samples.
// Dispatch happens here, once, when a runner is made. Any thread.
#pragma once
#include <cstdint>
#include <span>

#include "engine/cpu/runner_options.h"
#include "engine/cpu/step_model.h"

namespace ondes {

// Lanes of one worker. `slots` is indexed by StepLane::slot.
struct GroupCall {
  const StepModel* model = nullptr;
  StepScratch* scratch = nullptr;
  SlotState* slots = nullptr;
  std::span<const StepLane> lanes;
  std::span<std::uint32_t> next_row;  // (lanes), scratch
  int samples = 0;
  StepProbe* probe = nullptr;
};

struct StepKernels {
  const char* name;     // for people: "avx512 (vnni)"
  DotFormat i8_format;  // how this instruction set wants its int8 weights
  void (*advance_f32)(const GroupCall& call) noexcept;
  void (*advance_i16)(const GroupCall& call) noexcept;
  void (*advance_i8)(const GroupCall& call) noexcept;
};

// Null if this machine does not have the instruction set (or it is the scalar one, which is the
// judge's).
const StepKernels* step_kernels(Isa isa);

}  // namespace ondes
