// The stub that links where the CUDA backend was not built.
#include "cuda/backend.h"
#include "cuda/block_backend.h"
#include "engine/error.h"

namespace ondes {

std::unique_ptr<BlockRunner> make_cuda_block_runner(const BlockPlan& /*plan*/,
                                                    const BlockRunnerOptions& /*options*/) {
  throw Error(ErrorCode::no_device,
              "no CUDA device: " + cuda_description() + "; --device cpu runs everywhere");
}

}  // namespace ondes
