// The CUDA backend. Idea and layout: it finds the devices and says what they are; the kernels that
// run step plans are not part of this version, so no runner is made, and the message says so
// rather than computing slowly in silence.
#include <cuda_runtime.h>

#include "cuda/backend.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr const char* kNoKernels = "this version has no CUDA kernels for step plans yet";

}  // namespace

bool cuda_available() noexcept {
  return false;
}

std::string cuda_description() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess) {
    return std::string("no usable CUDA device: ") + cudaGetErrorString(status);
  }
  std::string text = std::to_string(devices) + (devices == 1 ? " device:" : " devices:");
  for (int device = 0; device < devices; ++device) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) {
      text += " (unreadable)";
      continue;
    }
    text += std::string(device == 0 ? " " : "; ") + properties.name + ", " +
            std::to_string(properties.totalGlobalMem >> 30) + " GiB, sm_" +
            std::to_string(properties.major) + std::to_string(properties.minor);
  }
  return text + " (" + kNoKernels + ")";
}

std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& /*plan*/,
                                                  const StepRunnerOptions& /*options*/) {
  throw Error(ErrorCode::no_device,
              "no CUDA backend: " + cuda_description() + "; --device cpu runs everywhere");
}

}  // namespace ondes
