// CUDA status becomes an Error, through this one macro. The runtime remembers a failed call's status for
// the thread's next cudaGetLastError(), which asks about another one: it is told to forget. Set-up
// thread.
#pragma once
#include <cuda_runtime.h>

#include <string>

#include "engine/error.h"

namespace ondes::gpu {

inline void check_status(cudaError_t status, const char* call) {
  if (status != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    throw Error(ErrorCode::no_device, std::string("cuda: ") + call + ": " +
                                          cudaGetErrorName(status) + " (" +
                                          cudaGetErrorString(status) + ")");
  }
}

}  // namespace ondes::gpu

#define ONDES_CUDA_CHECK(call) ::ondes::gpu::check_status((call), #call)
