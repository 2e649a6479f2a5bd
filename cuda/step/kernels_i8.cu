// The step kernel in i8, one instance a group size and known shape.
#include "cuda/step/launch_internal.cuh"

namespace ondes::gpu {

StepKernel step_kernel_i8(const StepLaunch& launch) {
  return step_kernel_of<I8Arithmetic>(launch);
}

}  // namespace ondes::gpu
