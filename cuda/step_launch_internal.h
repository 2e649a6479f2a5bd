// The step kernel's instances of one precision: included by step_kernels_<precision>.cu alone.
//
// Idea: StepBody (cuda/step_kernel_internal.h) over a real block. Launcher: step_kernel_of() names
// the instance that a plan's launch asks for; cuda/cuda_step_device.cu owns grid and status. A
// block of up to 512 threads may use 128 registers a thread, which __launch_bounds__ promises.
#pragma once
#include <cstddef>

#include "cuda/device_block_internal.h"
#include "cuda/step_kernel_internal.h"
#include "cuda/step_kernels_internal.h"

namespace ondes::gpu {

template <typename Arithmetic, int kLanes, int kResidual>
__global__ void __launch_bounds__(512) step_kernel(const __grid_constant__ StepModelView model,
                                                   const __grid_constant__ StepCall call) {
  extern __shared__ __align__(16) unsigned char dynamic_shared[];
  DeviceBlock block(reinterpret_cast<std::byte*>(dynamic_shared));
  StepBody<Arithmetic, kLanes, kResidual, DeviceBlock>(block, model, call).run();
}

template <typename Arithmetic>
StepKernel step_kernel_of(const StepLaunch& launch) {
  switch (launch.lanes_per_block) {
    case 4:
      return step_kernel<Arithmetic, 4, 0>;
    case 8:
      return step_kernel<Arithmetic, 8, 0>;
    default:
      break;
  }
  switch (launch.fixed_residual) {
    case 32:
      return step_kernel<Arithmetic, 1, 32>;
    case 64:
      return step_kernel<Arithmetic, 1, 64>;
    case 128:
      return step_kernel<Arithmetic, 1, 128>;
    default:
      return step_kernel<Arithmetic, 1, 0>;
  }
}

}  // namespace ondes::gpu
