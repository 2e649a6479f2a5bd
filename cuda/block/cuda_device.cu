// The block device that is a GPU. Idea and layout: one stream (cuda/cuda_device.cuh), on which a call's
// upload, launches and download follow each other. A captured call is a CUDA graph of the same
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
#include "cuda/cuda_device.cuh"

namespace ondes::gpu {
namespace {

class CudaBlockDevice final : public CudaDeviceOf<BlockDevice> {
 public:
  explicit CudaBlockDevice(int device) : CudaDeviceOf(device) {}

  ~CudaBlockDevice() override {
    settle();
    for (cudaGraphExec_t graph : graphs_) {
      if (graph != nullptr) {
        static_cast<void>(cudaGraphExecDestroy(graph));
      }
    }
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
                              stream()));
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
      note(cudaStreamSynchronize(stream()));
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
    return well();
  }

  void replay(int place) noexcept override {
    if (ready()) {
      note(cudaGraphLaunch(graphs_[static_cast<std::size_t>(place)], stream()));
    }
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

  std::array<cudaGraphExec_t, kGraphs> graphs_{};
};

}  // namespace

std::unique_ptr<BlockDevice> make_cuda_block_device(int device) {
  return std::make_unique<CudaBlockDevice>(device);
}

}  // namespace ondes::gpu
