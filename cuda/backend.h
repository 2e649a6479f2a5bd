// The CUDA side of the backend interfaces, seen from the host: no CUDA header is needed to include
// it.
//
// The build links either backend.cu or no_cuda.cpp behind it; a caller cannot tell which but by
// asking. Set-up thread: everything here.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/block_runner.h"
#include "engine/plan/step_plan.h"
#include "engine/plan/step_runner.h"

namespace ondes {

// True if this build has kernels and a device that can run them is there.
bool cuda_available() noexcept;

// What was found, for people: "1 device: NVIDIA H100, 80 GB, sm_90", or the reason why there is
// none.
std::string cuda_description();

// Throws Error{no_device} if cuda_available() is false; the message says why and what to do
// instead.
std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& plan,
                                                  const StepRunnerOptions& options);

// For benchmarks: the same with the planner held to one of cuda_step_variants(), where it can take it for
// options.max_lanes lanes; the description says what was taken. Throws Error{usage} for another name.
std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& plan,
                                                  const StepRunnerOptions& options,
                                                  std::string_view variant);
std::vector<std::string> cuda_step_variants();

// f32: the CPU's samples. Throws Error{no_device} if cuda_available() is false, saying why and what
// to do instead; Error{bad_input} if the plan is inconsistent, Error{usage} if an option is or an
// operation goes beyond the kernels. options.threads is not read.
std::unique_ptr<BlockRunner> make_cuda_block_runner(const BlockPlan& plan,
                                                    const BlockRunnerOptions& options);

}  // namespace ondes
