// A step plan's weights as kernels read them (cuda/step/model_internal.h), packed once at set-up.
//
// Integer precisions quantise with engine/ops/quantization.h, as the CPU does. Set-up thread.
#pragma once
#include <cstddef>
#include <vector>

#include "cuda/step/model_internal.h"
#include "engine/plan/step_plan.h"

namespace ondes::gpu {

struct PackedStepModel {
  StepModelView view;
  std::vector<std::byte> image;
  // Ends of what is never parted, ascending: the image's first boundaries[i] bytes can be copied
  // to shared memory and read there, the rest where it is.
  std::vector<std::uint32_t> boundaries;
};

// Throws Error{bad_input} if the plan is inconsistent, Error{usage} where it goes beyond what the
// kernels can address: more than kMostEncoderLayers encoder layers, an image of 4 GB.
PackedStepModel pack_step_model(const StepPlan& plan, Precision precision);

// Where a lane's scratch lies, for products sliced so.
ScratchMap map_scratch(const StepModelView& view, Precision precision, const Slicing& slicing);

}  // namespace ondes::gpu
