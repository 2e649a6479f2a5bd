// The step kernel in i16, one instance a group size and known shape.
#include "cuda/step/launch_internal.cuh"

namespace ondes::gpu {

StepKernel step_kernel_i16(const StepLaunch& launch) {
  return step_kernel_of<I16Arithmetic>(launch);
}

}  // namespace ondes::gpu
