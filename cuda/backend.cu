// The CUDA backend: which devices there are, and the runners of plans on the first usable one.
#include <cuda_runtime.h>

#include "cuda/backend.h"
#include "cuda/block/cuda_device.h"
#include "cuda/block/runner.h"
#include "cuda/step/cuda_device.h"
#include "cuda/step/runner.h"
#include "cuda/step/variants.h"
#include "engine/error.h"

namespace ondes {
namespace {

std::string describe(const cudaDeviceProp& properties) {
  return std::string(properties.name) + ", " + std::to_string(properties.totalGlobalMem >> 30U) +
         " GiB, sm_" + std::to_string(properties.major) + std::to_string(properties.minor);
}

// Throws Error{no_device} if there is none.
int first_usable_device() {
  std::string why;
  const int device = gpu::usable_cuda_device(&why);
  if (device < 0) {
    throw Error(ErrorCode::no_device,
                "no CUDA backend: " + cuda_description() + "; --device cpu runs everywhere");
  }
  return device;
}

std::unique_ptr<gpu::StepDevice> open_device(const gpu::LimitsChange& change) {
  return gpu::make_cuda_step_device(first_usable_device(), change);
}

}  // namespace

bool cuda_available() noexcept {
  try {
    std::string why;
    return gpu::usable_cuda_device(&why) >= 0;
  } catch (const std::exception&) {
    return false;  // out of memory for a message: nothing can be computed there either
  }
}

std::string cuda_description() {
  std::string why;
  const int usable = gpu::usable_cuda_device(&why);
  if (usable < 0) {
    return "no usable CUDA device: " + why;
  }
  int devices = 0;
  static_cast<void>(cudaGetDeviceCount(&devices));
  std::string text = std::to_string(devices) + (devices == 1 ? " device:" : " devices:");
  for (int device = 0; device < devices; ++device) {
    cudaDeviceProp properties{};
    const bool readable = cudaGetDeviceProperties(&properties, device) == cudaSuccess;
    text += (device == 0 ? " " : "; ") + (readable ? describe(properties) : "(unreadable)");
    text += device == usable && devices > 1 ? " (used)" : "";
  }
  return text;
}

std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& plan,
                                                  const StepRunnerOptions& options) {
  return gpu::make_device_step_runner(open_device({}), plan, options);
}

std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& plan,
                                                  const StepRunnerOptions& options,
                                                  std::string_view variant) {
  return gpu::make_device_step_runner(open_device([&](gpu::DeviceLimits& limits) {
                                        limits =
                                            gpu::limits_for(variant, limits, options.max_lanes);
                                      }),
                                      plan, options);
}

std::unique_ptr<BlockRunner> make_cuda_block_runner(const BlockPlan& plan,
                                                    const BlockRunnerOptions& options) {
  return gpu::make_device_block_runner(gpu::make_cuda_block_device(first_usable_device()), plan,
                                       options);
}

}  // namespace ondes
