#include "cuda/step/variants.h"

#include <algorithm>
#include <string>

#include "cuda/backend.h"
#include "engine/error.h"

namespace ondes::gpu {

DeviceLimits limits_for(std::string_view variant, DeviceLimits limits, int lanes) {
  constexpr int kNoTensorCores = 0;
  const auto blocks_of = [&](int group) {
    limits.clusters = 0;
    limits.cooperative = false;
    limits.arch = kNoTensorCores;
    limits.multiprocessors = std::max((lanes + group - 1) / group, 1);
  };
  if (variant == "block a lane") {
    blocks_of(1);
  } else if (variant == "block of 4") {
    blocks_of(4);
  } else if (variant == "block of 8") {
    blocks_of(8);
  } else if (variant == "cluster a lane") {
    limits.cooperative = false;
    limits.arch = kNoTensorCores;
    // More of them than run at once take turns.
    limits.clusters = limits.clusters > 0 ? std::max(limits.clusters, lanes) : 0;
  } else if (variant == "across the chip") {
    limits.clusters = 0;
    limits.arch = kNoTensorCores;
  } else if (variant == "tensor block") {
    limits.clusters = 0;
    limits.cooperative = false;
  } else if (variant == "tensor cluster") {
    limits.cooperative = false;
  } else {
    throw Error(ErrorCode::usage,
                "step kernels: there is no variant '" + std::string(variant) + "'");
  }
  return limits;
}

}  // namespace ondes::gpu

namespace ondes {

std::vector<std::string> cuda_step_variants() {
  return {gpu::kStepVariants.begin(), gpu::kStepVariants.end()};
}

}  // namespace ondes
