// The device's side of a Block (cuda/emulator.h): included by .cu files only.
#pragma once
#include <cstddef>

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#endif

#include "engine/host_device.h"

namespace ondes {

class DeviceBlock {
 public:
  // `shared` is the kernel's dynamic shared memory.
  ONDES_HOST_DEVICE explicit DeviceBlock(std::byte* shared) : shared_(shared) {}

#if defined(__CUDA_ARCH__)
  __device__ int index() const {
    return static_cast<int>(blockIdx.x);
  }
  __device__ int threads() const {
    return static_cast<int>(blockDim.x);
  }
  __device__ std::byte* shared() {
    return shared_;
  }
  template <typename Phase>
  __device__ void phase(const Phase& run) {
    run(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
#else
  // Only so that nvcc's host pass has something to name: kernels never run there.
  ONDES_HOST_DEVICE int index() const {
    return 0;
  }
  ONDES_HOST_DEVICE int threads() const {
    return 1;
  }
  ONDES_HOST_DEVICE std::byte* shared() {
    return shared_;
  }
  template <typename Phase>
  ONDES_HOST_DEVICE void phase(const Phase& run) {
    run(0);
  }
#endif

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  // Of a kernel that was launched in clusters.
  __device__ int rank() const {
    return static_cast<int>(cooperative_groups::this_cluster().block_rank());
  }
  __device__ int ranks() const {
    return static_cast<int>(cooperative_groups::this_cluster().num_blocks());
  }
  __device__ std::byte* peer(int rank) const {
    return cooperative_groups::this_cluster().map_shared_rank(shared_, rank);
  }
  // Orders what the blocks of a cluster wrote to each other's memory.
  __device__ void cluster_barrier() {
    cooperative_groups::this_cluster().sync();
  }
#endif

 private:
  std::byte* shared_;
};

}  // namespace ondes
