// The kernels of block plans and what is needed to launch one, alone or as a node of a graph.
#pragma once
#include <cuda_runtime.h>

#include "cuda/block/launch.h"

namespace ondes::gpu {

// A launch with the arguments it is made with: `arguments` point into the object.
struct KernelLaunch {
  KernelLaunch(const BlockMemory& from, const BlockLaunch& launch);
  KernelLaunch(const KernelLaunch&) = delete;
  KernelLaunch& operator=(const KernelLaunch&) = delete;

  BlockMemory memory;
  LaunchOp op;
  void* arguments[2] = {nullptr, nullptr};
  const void* kernel = nullptr;
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
};

}  // namespace ondes::gpu
