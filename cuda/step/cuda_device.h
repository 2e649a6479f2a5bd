// The step device that is a GPU; no CUDA header is needed to include this one. Set-up thread.
#pragma once
#include <memory>
#include <string>

#include "cuda/step/device.h"

namespace ondes::gpu {

// The first device that can run the kernels, or -1; `why` says what every device lacks.
int usable_cuda_device(std::string* why);

// 10 * major + minor of what the kernels on this device were compiled for: code of an older target,
// compiled anew by the driver, lacks what newer devices have. Throws Error{no_device} if it cannot be
// asked.
int cuda_code_arch(int device);

// `change` bends the limits that the planner sees, for benchmarks. Throws Error{no_device} if the device
// cannot be opened.
std::unique_ptr<StepDevice> make_cuda_step_device(int device, const LimitsChange& change = {});

}  // namespace ondes::gpu
