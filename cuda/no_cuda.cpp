// The stub that links where the CUDA backend was not built.
#include "cuda/backend.h"
#include "cuda/roofline.h"
#include "engine/error.h"

namespace ondes {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorCode::no_device,
              "no CUDA device: " + cuda_description() + "; --device cpu runs everywhere");
}

}  // namespace

bool cuda_available() noexcept {
  return false;
}

std::string cuda_description() {
  return "this build has no CUDA backend; `make cuda` makes one that has";
}

std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& /*plan*/,
                                                  const StepRunnerOptions& /*options*/) {
  refuse();
}

std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& plan,
                                                  const StepRunnerOptions& options,
                                                  std::string_view /*variant*/) {
  return make_cuda_step_runner(plan, options);
}

std::unique_ptr<BlockRunner> make_cuda_block_runner(const BlockPlan& /*plan*/,
                                                    const BlockRunnerOptions& /*options*/) {
  refuse();
}

DeviceRates measured_device_rates() {
  throw Error(ErrorCode::no_device, "no CUDA device: " + cuda_description());
}

}  // namespace ondes
