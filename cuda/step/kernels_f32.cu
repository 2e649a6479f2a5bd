// The step kernel in f32, one instance a group size and known shape.
#include "cuda/step/launch_internal.cuh"

namespace ondes::gpu {

StepKernel step_kernel_f32(const StepLaunch& launch) {
  return step_kernel_of<F32Arithmetic>(launch);
}

}  // namespace ondes::gpu
