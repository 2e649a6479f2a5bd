// The step kernels on tensor cores, one instance a count of column tiles and known shape.
//
// Idea and layout: cuda/step/tile_block_internal.h, cuda/step/tile_cluster_internal.h. Launcher:
// tile_step_kernel() names the instance that a launch asks for; cuda/step/cuda_device.cu owns grid
// and status. A block of up to 512 threads may use 128 registers a thread.
#include <cstddef>

#include "cuda/device_block.h"
#include "cuda/step/kernels_internal.h"
#include "cuda/step/tile_block_internal.h"
#include "cuda/step/tile_cluster_internal.h"

namespace ondes::gpu {
namespace {

// mma came with sm_80, clusters with sm_90: for older targets there is no code, and the planner asks
// for none.
template <int kTiles, int kResidual>
__global__ void __launch_bounds__(512, 1)
    tile_block_kernel(const __grid_constant__ StepModelView model,
                      const __grid_constant__ StepCall call) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  extern __shared__ __align__(16) unsigned char dynamic_shared[];
  DeviceBlock block(reinterpret_cast<std::byte*>(dynamic_shared));
  TileBlockBody<kTiles, kResidual, DeviceBlock>(block, model, call).run();
#endif
}

template <int kTiles, int kResidual>
__global__ void __launch_bounds__(512, 1)
    tile_cluster_kernel(const __grid_constant__ StepModelView model,
                        const __grid_constant__ StepCall call) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  extern __shared__ __align__(16) unsigned char dynamic_shared[];
  DeviceClusterBlock block(reinterpret_cast<std::byte*>(dynamic_shared));
  using Body = TileClusterBody<kTiles, kResidual, DeviceClusterBlock>;
  Body body(block, model, call);
  body.enter();
  block.cluster_barrier();
  const int supersteps = Body::supersteps(call, block.ranks());
  for (int s = 0; s < supersteps; ++s) {
    body.superstep();
    block.cluster_barrier();
  }
  body.leave();
#endif
}

template <int kTiles>
StepKernel tile_kernel_of(const StepLaunch& launch) {
  return launch.fixed_residual == 64 ? tile_block_kernel<kTiles, 64> : tile_block_kernel<kTiles, 0>;
}

template <int kTiles>
StepKernel tile_cluster_kernel_of(const StepLaunch& launch) {
  return launch.fixed_residual == 64 ? tile_cluster_kernel<kTiles, 64>
                                     : tile_cluster_kernel<kTiles, 0>;
}

}  // namespace

StepKernel tile_step_kernel(const StepLaunch& launch) {
  if (launch.cluster_blocks > 0) {
    return launch.column_tiles == 1 ? tile_cluster_kernel_of<1>(launch)
                                    : tile_cluster_kernel_of<2>(launch);
  }
  switch (launch.column_tiles) {
    case 1:
      return tile_kernel_of<1>(launch);
    case 2:
      return tile_kernel_of<2>(launch);
    default:
      return tile_kernel_of<4>(launch);
  }
}

}  // namespace ondes::gpu
