// A StepRunner whose samples are made by a device's kernels, a chunk a launch.
//
// A call is cut into chunks of samples so that the buffers of a chunk (conditioning rows and their
// projections, sample features, samples) stay below a fixed size whatever the call's length; a
// chunk is one upload, the dense kernels, one step kernel, one download. Any split gives the same
// samples. A device that fails gives NaN from then on, which no writer accepts, never silence.
// Set-up thread: construction. Render thread: start(), process(), which waits for the device.
#pragma once
#include <memory>
#include <vector>

#include "cuda/step/device.h"
#include "engine/plan/step_runner.h"

namespace ondes::gpu {

// Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is or the plan
// goes beyond the kernels, Error{no_device} if the device has too little memory.
std::unique_ptr<StepRunner> make_device_step_runner(std::unique_ptr<StepDevice> device,
                                                    const StepPlan& plan,
                                                    const StepRunnerOptions& options);

}  // namespace ondes::gpu
