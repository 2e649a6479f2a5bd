// What every device that is a GPU does alike: limits, one stream, memory, transfers, and the first
// status that is not success. Interface is the Device that a runner asks for; what is launched, the
// class derived from it adds. Staging memory is pinned, so that copies on the stream need no second
// one. Threads as cuda/device.h says.
#pragma once
#include <cuda_runtime.h>

#include <string>
#include <type_traits>
#include <vector>

#include "cuda/cuda_status.cuh"
#include "cuda/device.h"
#include "cuda/step/cuda_device.h"

namespace ondes::gpu {

template <class Interface>
class CudaDeviceOf : public Interface {
  static_assert(std::is_base_of_v<Device, Interface>);

 public:
  CudaDeviceOf(const CudaDeviceOf&) = delete;
  CudaDeviceOf& operator=(const CudaDeviceOf&) = delete;

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

  bool finish() noexcept override {
    if (ready()) {
      note(cudaStreamSynchronize(stream_));
    }
    return well();
  }
  std::string failure() const override { return well() ? "" : cudaGetErrorString(status_); }

 protected:
  // `change` gets the device's limits to complete and bend them, with the device current. Throws
  // Error{no_device} if the device cannot be opened.
  explicit CudaDeviceOf(int device, const LimitsChange& change = {}) : device_(device) {
    ONDES_CUDA_CHECK(cudaSetDevice(device));
    cudaDeviceProp properties{};
    ONDES_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
    name_ = properties.name;
    limits_.multiprocessors = properties.multiProcessorCount;
    limits_.shared_bytes_per_block = properties.sharedMemPerBlockOptin;
    limits_.l2_bytes = static_cast<std::size_t>(properties.l2CacheSize);
    limits_.arch = cuda_code_arch(device);
    limits_.cooperative = properties.cooperativeLaunch != 0;
    if (change) {
      change(limits_);
    }
    // Last: what throws before it leaves nothing behind.
    ONDES_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }

  ~CudaDeviceOf() override {
    settle();
    for (void* memory : memory_) {
      static_cast<void>(cudaFree(memory));
    }
    for (void* memory : staging_) {
      static_cast<void>(cudaFreeHost(memory));
    }
    static_cast<void>(cudaStreamDestroy(stream_));
  }

  // For destructors: waits for the stream. Nothing to be done about a status there: the memory goes
  // with the process at the latest.
  void settle() noexcept {
    static_cast<void>(cudaSetDevice(device_));
    static_cast<void>(cudaStreamSynchronize(stream_));
  }

  void transfer(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) noexcept {
    if (ready() && bytes > 0) {
      note(cudaMemcpyAsync(to, from, bytes, kind, stream_));
    }
  }
  // The current device is a thread's own, and the render thread is not the one that set up.
  bool ready() noexcept {
    if (well()) {
      note(cudaSetDevice(device_));
    }
    return well();
  }
  void note(cudaError_t status) noexcept {
    if (well()) {
      status_ = status;
    }
  }
  bool well() const noexcept { return status_ == cudaSuccess; }
  cudaStream_t stream() const noexcept { return stream_; }

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
  cudaError_t status_ = cudaSuccess;
  std::string name_;
  DeviceLimits limits_;
  std::vector<void*> memory_;
  std::vector<void*> staging_;
};

}  // namespace ondes::gpu
