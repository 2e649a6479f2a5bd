// CUDA status becomes an Error, through this one macro. Set-up thread.
#pragma once
#include <cuda_runtime.h>

#include <string>

#include "engine/error.h"

namespace ondes::gpu {

inline void check_status(cudaError_t status, const char* call) {
  if (status != cudaSuccess) {
    throw Error(ErrorCode::no_device, std::string("cuda: ") + call + ": " +
                                          cudaGetErrorName(status) + " (" +
                                          cudaGetErrorString(status) + ")");
  }
}

}  // namespace ondes::gpu

#define ONDES_CUDA_CHECK(call) ::ondes::gpu::check_status((call), #call)
