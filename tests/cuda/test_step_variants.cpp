#include <catch2/catch.hpp>

#include "cuda/step/runner.h"
#include "cuda/step/variants.h"
#include "engine/error.h"
#include "tests/cuda/emulated_device.h"
#include "tests/cuda/random_step_plan.h"

namespace ondes {
namespace {

// A device that runs nothing: a runner's description is all that is asked for.
class IdleDevice final : public gpu::EmulatedDeviceOf<gpu::StepDevice> {
 public:
  using EmulatedDeviceOf::EmulatedDeviceOf;
  void prepare(Precision, const gpu::StepLaunch&) override {}
  void clear(void*, std::size_t) noexcept override {}
  void dense(const gpu::DenseCall&) noexcept override {}
  void step(Precision,
            const gpu::StepLaunch&,
            const gpu::StepModelView&,
            const gpu::StepCall&) noexcept override {}
};

// An H100's, with clusters for 16 lanes.
gpu::DeviceLimits hopper() {
  gpu::DeviceLimits limits;
  limits.multiprocessors = 132;
  limits.arch = 90;
  limits.shared_bytes_per_block = 227 * 1024;
  limits.clusters = 16;
  limits.cooperative = true;
  return limits;
}

// What a runner of a device with these limits says that it takes for so many lanes.
std::string taken(std::string_view variant, Precision precision, int lanes) {
  StepShape shape;
  shape.residual = shape.gate = 64;
  shape.skip = shape.head = 256;
  shape.dilations.assign(20, 4);
  auto device = std::make_unique<IdleDevice>(gpu::limits_for(variant, hopper(), lanes));
  StepRunnerOptions options;
  options.precision = precision;
  options.max_lanes = lanes;
  options.max_block_samples = 1;
  return gpu::make_device_step_runner(std::move(device), random_step_plan(shape, 1), options)
      ->description();
}

TEST_CASE("a variant by name is the one that the planner takes, where there is one") {
  for (const int lanes : {8, 64, 512}) {
    CAPTURE(lanes);
    CHECK_THAT(taken("block a lane", Precision::i8, lanes), Catch::Contains("one block a lane"));
    CHECK_THAT(taken("block of 4", Precision::i8, lanes), Catch::Contains("one block 4 lanes"));
    CHECK_THAT(taken("block of 8", Precision::i8, lanes), Catch::Contains("one block 8 lanes"));
    CHECK_THAT(taken("cluster a lane", Precision::i8, lanes),
               Catch::Contains("a cluster of 8 blocks a lane"));
  }
  CHECK_THAT(taken("across the chip", Precision::f32, 1), Catch::Contains("across"));
  CHECK_THAT(taken("tensor block", Precision::f16, 64),
             Catch::Contains("tensor cores") && !Catch::Contains("cluster"));
  CHECK_THAT(taken("tensor cluster", Precision::f16, 64),
             Catch::Contains("tensor cores") && Catch::Contains("cluster"));
}

TEST_CASE("a variant that is none is refused by name") {
  CHECK_THROWS_WITH(gpu::limits_for("warp", hopper(), 1), Catch::Contains("'warp'"));
}

}  // namespace
}  // namespace ondes
