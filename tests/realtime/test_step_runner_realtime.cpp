// process() and start() of the CPU runners leave the heap alone, on the calling thread and on
// their workers' behalf, at every block size.
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/cpu/runner_options.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/runner_rig.h"

namespace ondes {
namespace {

constexpr int kMaxBlock = 128;
constexpr int kLanes = 6;

TEST_CASE("the counter catches an allocation") {
  const AllocationCounter counter;
  auto volatile_memory = std::make_unique<std::vector<int>>(100);
  CHECK(volatile_memory->size() == 100);
  CHECK(counter.count() > 0);
}

// Lanes of a call whose memory is all there before it.
struct Call {
  Call(const StepPlan& plan, int samples)
      : rows(1, plan.row_features),
        features(samples, plan.sample_features),
        output(kLanes, samples) {
    for (int i = 0; i < kLanes; ++i) {
      StepLane lane;
      lane.slot = i;
      lane.identity = static_cast<std::uint64_t>(i);
      lane.rows = rows.view();
      lane.row_starts = starts;
      lane.sample_features = features.view();
      lane.output = output.view()[i];
      lanes.push_back(lane);
    }
  }
  Buffer rows;
  Buffer features;
  Buffer output;
  std::vector<int> starts{0};
  std::vector<StepLane> lanes;
};

TEST_CASE("starting and processing lanes neither allocates nor frees") {
  for (const RigShape& shape : rig_shapes()) {
    const StepPlan plan = rig_plan(shape);
    for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
      for (const Isa isa : supported_isas()) {
        for (const int threads : {1, 2}) {
          const auto runner =
              make_cpu_step_runner_for(isa, plan, {precision, kLanes, kMaxBlock, threads});
          for (const int samples : {1, 7, 64, kMaxBlock}) {
            const Call call(plan, samples);
            const AllocationCounter counter;
            for (int i = 0; i < kLanes; ++i) {
              runner->start(i);
            }
            runner->process(call.lanes, samples);
            runner->process(std::span<const StepLane>(call.lanes).first(1), samples);
            const long long count = counter.count();
            CAPTURE(shape.name, samples);
            CHECK(count == 0);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ondes
