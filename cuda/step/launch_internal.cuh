// The step kernel's instances of one precision: included by step/kernels_<precision>.cu alone.
//
// Idea: StepBody (cuda/step/kernel_internal.h) over a real block. Launcher: step_kernel_of() names
// the instance that a plan's launch asks for; cuda/step/cuda_device.cu owns grid and status. A
// block of up to 512 threads may use 128 registers a thread, which __launch_bounds__ promises: one
// block a multiprocessor is enough.
#pragma once
#include <cstddef>

#include "cuda/device_block.h"
#include "cuda/step/cluster_internal.h"
#include "cuda/step/kernel_internal.h"
#include "cuda/step/kernels_internal.h"

namespace ondes::gpu {

template <typename Arithmetic, int kLanes, int kResidual>
__global__ void __launch_bounds__(512, 1) step_kernel(const __grid_constant__ StepModelView model,
                                                      const __grid_constant__ StepCall call) {
  extern __shared__ __align__(16) unsigned char dynamic_shared[];
  DeviceBlock block(reinterpret_cast<std::byte*>(dynamic_shared));
  StepBody<Arithmetic, kLanes, kResidual, DeviceBlock>(block, model, call).run();
}

// Clusters came with sm_90: for older targets there is no code, and the planner asks for none.
template <typename Arithmetic, int kResidual>
__global__ void __launch_bounds__(512, 1)
    cluster_kernel(const __grid_constant__ StepModelView model,
                   const __grid_constant__ StepCall call) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  extern __shared__ __align__(16) unsigned char dynamic_shared[];
  DeviceClusterBlock block(reinterpret_cast<std::byte*>(dynamic_shared));
  ClusterBody<Arithmetic, kResidual, DeviceClusterBlock> body(block, model, call);
  body.enter();
  block.cluster_barrier();
  for (int t = 0; t < call.samples; ++t) {
    for (int s = 0; s < body.supersteps(); ++s) {
      body.superstep(t, s);
      block.cluster_barrier();
    }
  }
  body.leave();
#endif
}

template <typename Arithmetic>
StepKernel step_kernel_of(const StepLaunch& launch) {
  if (launch.cluster_blocks > 0) {
    return launch.fixed_residual == 64 ? cluster_kernel<Arithmetic, 64>
                                       : cluster_kernel<Arithmetic, 0>;
  }
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
