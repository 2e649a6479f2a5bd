// The step kernel in f16, one instance a group size and known shape.
#include "cuda/step/launch_internal.cuh"

namespace ondes::gpu {

StepKernel step_kernel_f16(const StepLaunch& launch) {
  return step_kernel_of<F16Arithmetic>(launch);
}

}  // namespace ondes::gpu
