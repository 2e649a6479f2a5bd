// The step kernels that are built, by precision. Any thread.
#pragma once
#include "cuda/step/call_internal.h"
#include "cuda/step/planner.h"

namespace ondes::gpu {

using StepKernel = void (*)(StepModelView, StepCall);

StepKernel tile_step_kernel(const StepLaunch& launch);
StepKernel step_kernel_f32(const StepLaunch& launch);
StepKernel step_kernel_f16(const StepLaunch& launch);
StepKernel step_kernel_i16(const StepLaunch& launch);
StepKernel step_kernel_i8(const StepLaunch& launch);
StepKernel persistent_step_kernel(Precision precision, const StepLaunch& launch);

}  // namespace ondes::gpu
