#include <catch2/catch.hpp>

#include "cuda/backend.h"
#include "engine/error.h"

namespace ondes {
namespace {

// Both builds behind cuda/backend.h have to pass this: with kernels missing, a caller must be told
// in one error, with the code that becomes exit status 5, what is wrong and what works instead.
TEST_CASE("without CUDA kernels a runner is refused with no_device and a way out") {
  REQUIRE_FALSE(cuda_available());
  try {
    make_cuda_step_runner(StepPlan{}, StepRunnerOptions{});
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
