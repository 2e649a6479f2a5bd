// make_cpu_block_runner (engine/plan/block_runner.h) for an instruction set that the caller names:
// tests run all that this machine has. Set-up thread.
#pragma once
#include <memory>

#include "engine/cpu/runner_options.h"
#include "engine/plan/block_runner.h"

namespace ondes {

// Throws Error{usage} if this machine does not have the instruction set.
std::unique_ptr<BlockRunner> make_cpu_block_runner_for(Isa isa,
                                                       const BlockPlan& plan,
                                                       const BlockRunnerOptions& options);

}  // namespace ondes
