#include <catch2/catch.hpp>

#include "cuda/backend.h"
#include "engine/error.h"
#include "tests/cuda/random_step_plan.h"

namespace ondes {
namespace {

// Both builds behind cuda/backend.h have to pass this: where there is no device, a caller must be
// told in one error, with the code that becomes exit status 5, what is wrong and what works instead.
TEST_CASE("without a device a runner is refused with no_device and a way out") {
  if (cuda_available()) {
    WARN("skipped: there is a CUDA device, " << cuda_description());
    return;
  }
  try {
    make_cuda_step_runner(random_step_plan({}, 1), StepRunnerOptions{});
    FAIL("a runner was made");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::no_device);
    CHECK_THAT(error.what(), Catch::Contains(cuda_description()));
    CHECK_THAT(error.what(), Catch::Contains("--device cpu"));
  }
}

TEST_CASE("the device description is never empty") {
  CHECK_FALSE(cuda_description().empty());
}

}  // namespace
}  // namespace ondes
