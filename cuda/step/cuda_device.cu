// The step device that is a GPU. Idea and layout: one stream (cuda/cuda_device.cuh), on which uploads,
// dense kernels, the step kernel and downloads follow each other. Kernels: the dense layers' here, the
// step kernels' in kernels_*.cu. Launchers: dense() and step(), which own the grid and remember the
// first status that is not success.
#include <cuda_runtime.h>

#include <algorithm>

#include "cuda/cuda_device.cuh"
#include "cuda/device_block.h"
#include "cuda/step/dense_internal.h"
#include "cuda/step/kernels_internal.h"

namespace ondes::gpu {
namespace {

// --- kernels ---------------------------------------------------------------------------------

__global__ void __launch_bounds__(kDenseThreads)
    dense_kernel(const __grid_constant__ DenseCall call) {
  DeviceBlock block(nullptr);
  run_dense(block, call);
}

// --- launchers -------------------------------------------------------------------------------

StepKernel kernel_of(Precision precision, const StepLaunch& launch) {
  if (launch.persistent.blocks() > 0) {
    return persistent_step_kernel(precision, launch);
  }
  if (launch.column_tiles > 0) {
    return tile_step_kernel(launch);
  }
  switch (precision) {
    case Precision::f16:
      return step_kernel_f16(launch);
    case Precision::i16:
      return step_kernel_i16(launch);
    case Precision::i8:
      return step_kernel_i8(launch);
    default:
      return step_kernel_f32(launch);
  }
}

// Grid, shared memory and cluster of a launch; one across the chip runs as a whole or not at all.
struct GridConfig {
  GridConfig(const StepLaunch& launch, int blocks, cudaStream_t stream) {
    config.gridDim = dim3(static_cast<unsigned>(blocks));
    config.blockDim = dim3(static_cast<unsigned>(launch.threads));
    config.dynamicSmemBytes = launch.shared_bytes;
    config.stream = stream;
    if (launch.cluster_blocks > 0) {
      attribute.id = cudaLaunchAttributeClusterDimension;
      attribute.val.clusterDim.x = static_cast<unsigned>(launch.cluster_blocks);
      attribute.val.clusterDim.y = 1;
      attribute.val.clusterDim.z = 1;
      config.attrs = &attribute;
      config.numAttrs = 1;
    } else if (launch.persistent.blocks() > 0) {
      attribute.id = cudaLaunchAttributeCooperative;
      attribute.val.cooperative = 1;
      config.attrs = &attribute;
      config.numAttrs = 1;
    }
  }
  GridConfig(const GridConfig&) = delete;  // config points into it
  GridConfig& operator=(const GridConfig&) = delete;

  cudaLaunchConfig_t config{};
  cudaLaunchAttribute attribute{};
};

// Throws Error{no_device} if the kernel cannot run so.
void prepare_kernel(Precision precision, const StepLaunch& launch) {
  const auto* kernel = reinterpret_cast<const void*>(kernel_of(precision, launch));
  cudaFuncAttributes attributes{};
  ONDES_CUDA_CHECK(cudaFuncGetAttributes(&attributes, kernel));
  if (launch.threads > attributes.maxThreadsPerBlock) {
    throw Error(ErrorCode::no_device, "cuda: a block of the step kernel: expected at most " +
                                          std::to_string(attributes.maxThreadsPerBlock) +
                                          " threads, found " + std::to_string(launch.threads));
  }
  // The limit is the kernel's, which plans of other runners share: it is only ever raised.
  const auto shared = static_cast<int>(launch.shared_bytes);
  if (shared > attributes.maxDynamicSharedSizeBytes) {
    ONDES_CUDA_CHECK(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  }
}

// How many clusters run at once when each block takes all the shared memory it can have.
int count_clusters(const DeviceLimits& limits) {
  StepLaunch launch;
  launch.threads = 512;
  launch.cluster_blocks = kClusterBlocks;
  launch.shared_bytes = limits.shared_bytes_per_block;
  prepare_kernel(Precision::i8, launch);
  const GridConfig grid(launch, kClusterBlocks, nullptr);
  int clusters = 0;
  ONDES_CUDA_CHECK(
      cudaOccupancyMaxActiveClusters(&clusters, kernel_of(Precision::i8, launch), &grid.config));
  return clusters;
}

class CudaStepDevice final : public CudaDeviceOf<StepDevice> {
 public:
  CudaStepDevice(int device, const LimitsChange& change)
      : CudaDeviceOf(device, [&](DeviceLimits& limits) {
          if (limits.arch >= 90) {
            limits.clusters = count_clusters(limits);
          }
          if (change) {
            change(limits);
          }
        }) {}

  void prepare(Precision precision, const StepLaunch& launch) override {
    prepare_kernel(precision, launch);
  }

  void clear(void* from, std::size_t bytes) noexcept override {
    if (ready() && bytes > 0) {
      note(cudaMemsetAsync(from, 0, bytes, stream()));
    }
  }

  void dense(const DenseCall& call) noexcept override {
    if (ready()) {
      dense_kernel<<<static_cast<unsigned>(dense_blocks(call)), kDenseThreads, 0, stream()>>>(call);
      note(cudaGetLastError());
    }
  }

  void step(Precision precision,
            const StepLaunch& launch,
            const StepModelView& model,
            const StepCall& call) noexcept override {
    if (ready()) {
      GridConfig grid(launch, launch.blocks(call.lane_count), stream());
      note(cudaLaunchKernelEx(&grid.config, kernel_of(precision, launch), model, call));
    }
  }
};

}  // namespace

int usable_cuda_device(std::string* why) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    *why = status != cudaSuccess ? cudaGetErrorString(status) : "no device is visible";
    return -1;
  }
  for (int device = 0; device < devices; ++device) {
    cudaDeviceProp properties{};
    cudaError_t found = cudaGetDeviceProperties(&properties, device);
    if (found == cudaSuccess) {
      found = cudaSetDevice(device);
    }
    // Asks the driver whether this program holds code that the device can run.
    cudaFuncAttributes attributes{};
    if (found == cudaSuccess) {
      found = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(dense_kernel));
    }
    if (found == cudaSuccess) {
      return device;
    }
    static_cast<void>(cudaGetLastError());
    *why += (why->empty() ? "" : "; ") + std::string("device ") + std::to_string(device) + ": " +
            cudaGetErrorString(found);
  }
  return -1;
}

int cuda_code_arch(int device) {
  ONDES_CUDA_CHECK(cudaSetDevice(device));
  cudaDeviceProp properties{};
  ONDES_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  cudaFuncAttributes attributes{};
  ONDES_CUDA_CHECK(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(dense_kernel)));
  return std::min(10 * properties.major + properties.minor, attributes.ptxVersion);
}

std::unique_ptr<StepDevice> make_cuda_step_device(int device, const LimitsChange& change) {
  return std::make_unique<CudaStepDevice>(device, change);
}

}  // namespace ondes::gpu
