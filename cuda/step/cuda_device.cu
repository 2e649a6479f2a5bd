// The step device that is a GPU. Idea and layout: one stream, on which uploads, dense kernels, the
// step kernel and downloads follow each other; staging memory is pinned, so that copies need no
// second one. Kernels: the dense layers' here, the step kernels' in step_kernels_*.cu. Launchers:
// dense() and step(), which own the grid and remember the first status that is not success.
#include <cuda_runtime.h>

#include <algorithm>
#include <vector>

#include "cuda/cuda_status.cuh"
#include "cuda/device_block.h"
#include "cuda/step/cuda_device.h"
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

class CudaStepDevice final : public StepDevice {
 public:
  CudaStepDevice(int device, const LimitsChange& change) : device_(device) {
    ONDES_CUDA_CHECK(cudaSetDevice(device));
    cudaDeviceProp properties{};
    ONDES_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
    name_ = properties.name;
    limits_.multiprocessors = properties.multiProcessorCount;
    limits_.shared_bytes_per_block = properties.sharedMemPerBlockOptin;
    limits_.l2_bytes = static_cast<std::size_t>(properties.l2CacheSize);
    limits_.arch = cuda_code_arch(device);
    limits_.cooperative = properties.cooperativeLaunch != 0;
    if (limits_.arch >= 90) {
      count_clusters();
    }
    if (change) {
      change(limits_);
    }
    // Last: what throws before it leaves nothing behind.
    ONDES_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }

  ~CudaStepDevice() override {
    // Nothing to be done about a status here: the memory goes with the process at the latest.
    static_cast<void>(cudaSetDevice(device_));
    static_cast<void>(cudaStreamSynchronize(stream_));
    for (void* memory : memory_) {
      static_cast<void>(cudaFree(memory));
    }
    for (void* memory : staging_) {
      static_cast<void>(cudaFreeHost(memory));
    }
    static_cast<void>(cudaStreamDestroy(stream_));
  }

  const DeviceLimits& limits() const noexcept override { return limits_; }
  std::string name() const override { return name_; }

  void* allocate(std::size_t bytes) override {
    ONDES_CUDA_CHECK(cudaSetDevice(device_));
    memory_.push_back(nullptr);
    ONDES_CUDA_CHECK(cudaMalloc(&memory_.back(), bytes > 0 ? bytes : 16));
    return memory_.back();
  }

  void* allocate_staging(std::size_t bytes) override {
    ONDES_CUDA_CHECK(cudaSetDevice(device_));
    staging_.push_back(nullptr);
    ONDES_CUDA_CHECK(cudaMallocHost(&staging_.back(), bytes > 0 ? bytes : 16));
    return staging_.back();
  }

  void prepare(Precision precision, const StepLaunch& launch) override {
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

  void upload(void* to, const void* from, std::size_t bytes) noexcept override {
    if (ready() && bytes > 0) {
      note(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_));
    }
  }
  void download(void* to, const void* from, std::size_t bytes) noexcept override {
    if (ready() && bytes > 0) {
      note(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_));
    }
  }
  void clear(void* from, std::size_t bytes) noexcept override {
    if (ready() && bytes > 0) {
      note(cudaMemsetAsync(from, 0, bytes, stream_));
    }
  }

  void dense(const DenseCall& call) noexcept override {
    if (ready()) {
      dense_kernel<<<static_cast<unsigned>(dense_blocks(call)), kDenseThreads, 0, stream_>>>(call);
      note(cudaGetLastError());
    }
  }

  void step(Precision precision,
            const StepLaunch& launch,
            const StepModelView& model,
            const StepCall& call) noexcept override {
    if (ready()) {
      GridConfig grid(launch, launch.blocks(call.lane_count), stream_);
      note(cudaLaunchKernelEx(&grid.config, kernel_of(precision, launch), model, call));
    }
  }

  bool finish() noexcept override {
    if (ready()) {
      note(cudaStreamSynchronize(stream_));
    }
    return status_ == cudaSuccess;
  }
  std::string failure() const override {
    return status_ == cudaSuccess ? "" : cudaGetErrorString(status_);
  }

 private:
  // How many clusters run at once when each block takes all the shared memory it can have.
  void count_clusters() {
    StepLaunch launch;
    launch.threads = 512;
    launch.cluster_blocks = kClusterBlocks;
    launch.shared_bytes = limits_.shared_bytes_per_block;
    prepare(Precision::i8, launch);
    const GridConfig grid(launch, kClusterBlocks, nullptr);
    ONDES_CUDA_CHECK(cudaOccupancyMaxActiveClusters(
        &limits_.clusters, kernel_of(Precision::i8, launch), &grid.config));
  }
  // The current device is a thread's own, and the render thread is not the one that set up.
  bool ready() noexcept {
    if (status_ == cudaSuccess) {
      note(cudaSetDevice(device_));
    }
    return status_ == cudaSuccess;
  }
  void note(cudaError_t status) noexcept {
    if (status_ == cudaSuccess) {
      status_ = status;
    }
  }

  int device_;
  cudaStream_t stream_ = nullptr;
  cudaError_t status_ = cudaSuccess;
  std::string name_;
  DeviceLimits limits_;
  std::vector<void*> memory_;
  std::vector<void*> staging_;
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
