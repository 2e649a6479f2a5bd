// The device's side of a Block (cuda/emulator.h): included by .cu files only.
#pragma once
#include <cstddef>

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#endif

#include "engine/host_device.h"

namespace ondes {

// A warp of a block: what cuda/emulator.h calls a warp, seen by one of its threads.
class DeviceWarp {
 public:
  static constexpr int kThreads = 32;

  // This thread's variable, whichever is asked for.
  template <typename T>
  class Registers {
   public:
    ONDES_HOST_DEVICE T& operator[](int) { return value_; }
    ONDES_HOST_DEVICE const T& operator[](int) const { return value_; }

   private:
    T value_;
  };

#if defined(__CUDA_ARCH__)
  __device__ int index() const {
    return static_cast<int>(threadIdx.x) / kThreads;
  }
  __device__ void converge() const {
    __syncwarp();
  }
  template <typename Step>
  __device__ void each(const Step& run) const {
    run(static_cast<int>(threadIdx.x) % kThreads);
  }
#else
  ONDES_HOST_DEVICE int index() const {
    return 0;
  }
  ONDES_HOST_DEVICE void converge() const {}
  template <typename Step>
  ONDES_HOST_DEVICE void each(const Step& run) const {
    run(0);
  }
#endif
};

class DeviceBlock {
 public:
  using Warp = DeviceWarp;

  // This thread's share of the registers that its warp keeps.
  template <typename T>
  class PerWarp {
   public:
    ONDES_HOST_DEVICE explicit PerWarp(const DeviceBlock&) {}
    ONDES_HOST_DEVICE T& of(const Warp&) { return value_; }

   private:
    T value_;
  };

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
  __device__ int warps() const {
    return threads() / Warp::kThreads;
  }
  template <typename Phase>
  __device__ void warp_phase(const Phase& run) {
    Warp warp;
    run(warp);
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
  ONDES_HOST_DEVICE int warps() const {
    return 1;
  }
  template <typename Phase>
  ONDES_HOST_DEVICE void warp_phase(const Phase& run) {
    Warp warp;
    run(warp);
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

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
// Blocks of a cluster share an index: that of the cluster.
class DeviceClusterBlock : public DeviceBlock {
 public:
  __device__ explicit DeviceClusterBlock(std::byte* shared) : DeviceBlock(shared) {}
  __device__ int index() const { return DeviceBlock::index() / DeviceBlock::ranks(); }
};
#endif

}  // namespace ondes
