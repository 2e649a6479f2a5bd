// The stub that links where the CUDA backend was not built.
#include "cuda/backend.h"
#include "cuda/roofline.h"
#include "engine/error.h"

namespace ondes {

bool cuda_available() noexcept {
  return false;
}

std::string cuda_description() {
  return "this build has no CUDA backend (configure with ONDES_CUDA=ON, or use the cuda preset)";
}

std::unique_ptr<StepRunner> make_cuda_step_runner(const StepPlan& /*plan*/,
                                                  const StepRunnerOptions& /*options*/) {
  throw Error(ErrorCode::no_device,
              "no CUDA device: " + cuda_description() + "; --device cpu runs everywhere");
}

double measured_copy_bytes_per_s() {
  throw Error(ErrorCode::no_device, "no CUDA device: " + cuda_description());
}

}  // namespace ondes
