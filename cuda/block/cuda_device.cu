// The block device that is a GPU. Idea and layout: one stream, on which a call's upload, launches and
// download follow each other; staging memory is pinned. A captured call is a CUDA graph of the same
// nodes, in which launches wait only for those whose results they read, so that the branches of a
// network run side by side. Kernels: block/kernels.cu. Launchers: run() and replay(), which remember
// the first status that is not success.
#include <cuda_runtime.h>

#include <array>
#include <memory>
#include <vector>

#include "cuda/block/cuda_device.h"
#include "cuda/block/kernels_internal.cuh"
#include "cuda/block/runner.h"
#include "cuda/cuda_status.cuh"
#include "cuda/step/cuda_device.h"
#include "engine/error.h"

namespace ondes::gpu {
namespace {

class CudaBlockDevice final : public BlockDevice {
 public:
  explicit CudaBlockDevice(int device) : device_(device) {
    ONDES_CUDA_CHECK(cudaSetDevice(device));
    cudaDeviceProp properties{};
    ONDES_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
    name_ = properties.name;
    limits_.multiprocessors = properties.multiProcessorCount;
    limits_.shared_bytes_per_block = properties.sharedMemPerBlockOptin;
    limits_.arch = cuda_code_arch(device);
    limits_.l2_bytes = static_cast<std::size_t>(properties.l2CacheSize);
    ONDES_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }

  ~CudaBlockDevice() override {
    // Nothing to be done about a status here: the memory goes with the process at the latest.
    static_cast<void>(cudaSetDevice(device_));
    static_cast<void>(cudaStreamSynchronize(stream_));
    for (cudaGraphExec_t graph : graphs_) {
      if (graph != nullptr) {
        static_cast<void>(cudaGraphExecDestroy(graph));
      }
    }
    for (void* memory : memory_) {
      static_cast<void>(cudaFree(memory));
    }
    for (void* memory : staging_) {
      static_cast<void>(cudaFreeHost(memory));
    }
    static_cast<void>(cudaStreamDestroy(stream_));
  }
  CudaBlockDevice(const CudaBlockDevice&) = delete;
  CudaBlockDevice& operator=(const CudaBlockDevice&) = delete;

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

  void upload(void* to, const void* from, std::size_t bytes) noexcept override {
    transfer(to, from, bytes, cudaMemcpyHostToDevice);
  }
  void download(void* to, const void* from, std::size_t bytes) noexcept override {
    transfer(to, from, bytes, cudaMemcpyDeviceToHost);
  }
  void copy(void* to, const void* from, std::size_t bytes) noexcept override {
    transfer(to, from, bytes, cudaMemcpyDeviceToDevice);
  }

  void run(const BlockBuffers& buffers, const BlockLaunches& call) noexcept override {
    upload(const_cast<std::byte*>(buffers.memory.call), buffers.staging_in, call.upload_bytes);
    for (const BlockLaunch& launch : call.launches) {
      if (ready()) {
        KernelLaunch one(buffers.memory, launch);
        note(cudaLaunchKernel(one.kernel, one.grid, one.block, one.arguments, one.shared_bytes,
                              stream_));
      }
    }
    download(buffers.staging_out, buffers.memory.output, call.download_bytes);
  }

  bool capture(int place,
               const BlockBuffers& buffers,
               const BlockLaunches& call) noexcept override {
    cudaGraphExec_t& graph = graphs_[static_cast<std::size_t>(place)];
    if (!ready()) {
      return false;
    }
    if (graph != nullptr) {
      note(cudaStreamSynchronize(stream_));
      note(cudaGraphExecDestroy(graph));
      graph = nullptr;
    }
    cudaGraph_t nodes = nullptr;
    note(cudaGraphCreate(&nodes, 0));
    if (ready()) {
      add_nodes(nodes, buffers, call);
    }
    if (ready()) {
      note(cudaGraphInstantiate(&graph, nodes, 0));
    }
    if (nodes != nullptr) {
      note(cudaGraphDestroy(nodes));
    }
    return status_ == cudaSuccess;
  }

  void replay(int place) noexcept override {
    if (ready()) {
      note(cudaGraphLaunch(graphs_[static_cast<std::size_t>(place)], stream_));
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
  void add_nodes(cudaGraph_t nodes, const BlockBuffers& buffers, const BlockLaunches& call) {
    cudaGraphNode_t first = nullptr;
    note(cudaGraphAddMemcpyNode1D(&first, nodes, nullptr, 0,
                                  const_cast<std::byte*>(buffers.memory.call), buffers.staging_in,
                                  call.upload_bytes, cudaMemcpyHostToDevice));
    std::vector<cudaGraphNode_t> added(call.launches.size(), nullptr);
    for (std::size_t i = 0; i < added.size() && ready(); ++i) {
      const BlockLaunch& launch = call.launches[i];
      std::vector<cudaGraphNode_t> after;
      for (const int before : launch.after) {
        after.push_back(added[static_cast<std::size_t>(before)]);
      }
      if (after.empty()) {
        after.push_back(first);
      }
      KernelLaunch one(buffers.memory, launch);  // a node copies its arguments
      cudaKernelNodeParams parameters{};
      parameters.func = const_cast<void*>(one.kernel);
      parameters.gridDim = one.grid;
      parameters.blockDim = one.block;
      parameters.sharedMemBytes = static_cast<unsigned>(one.shared_bytes);
      parameters.kernelParams = one.arguments;
      note(cudaGraphAddKernelNode(&added[i], nodes, after.data(), after.size(), &parameters));
    }
    if (call.download_bytes > 0 && ready()) {
      cudaGraphNode_t last = nullptr;  // delivery is the last launch
      note(cudaGraphAddMemcpyNode1D(&last, nodes, &added.back(), 1, buffers.staging_out,
                                    buffers.memory.output, call.download_bytes,
                                    cudaMemcpyDeviceToHost));
    }
  }

  void transfer(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) noexcept {
    if (ready() && bytes > 0) {
      note(cudaMemcpyAsync(to, from, bytes, kind, stream_));
    }
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
  std::string name_;
  DeviceLimits limits_;
  cudaStream_t stream_ = nullptr;
  cudaError_t status_ = cudaSuccess;
  std::array<cudaGraphExec_t, kGraphs> graphs_{};
  std::vector<void*> memory_;
  std::vector<void*> staging_;
};

}  // namespace

std::unique_ptr<BlockDevice> make_cuda_block_device(int device) {
  return std::make_unique<CudaBlockDevice>(device);
}

}  // namespace ondes::gpu
