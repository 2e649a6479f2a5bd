// The CUDA side of the backend interface for block plans (cuda/backend.h has that of step plans): no
// CUDA header is needed to include it, and a build without CUDA links a stub. Set-up thread.
#pragma once
#include <memory>

#include "engine/plan/block_runner.h"

namespace ondes {

// f32: the CPU's samples. Throws Error{no_device} if cuda_available() is false, saying why and what
// to do instead; Error{bad_input} if the plan is inconsistent, Error{usage} if an option is or an
// operation goes beyond the kernels. options.threads is not read.
std::unique_ptr<BlockRunner> make_cuda_block_runner(const BlockPlan& plan,
                                                    const BlockRunnerOptions& options);

}  // namespace ondes
