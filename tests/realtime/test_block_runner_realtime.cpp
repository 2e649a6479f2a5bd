// start(), process() and finish() of the CPU's block runner leave the heap alone, on the calling
// thread and on their workers' behalf, at every block size.
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/cpu/cpu_block_runner.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/block_rig.h"

namespace ondes {
namespace {

TEST_CASE("control: a probe that appends is caught") {
  const RandomBlockPlan rig(3);
  const auto runner = make_cpu_block_runner(rig.plan(), {Precision::f32, 1, 16, 1});
  std::vector<float> heard;
  runner->set_probe(rig.plan().inputs[0], &heard);
  const BlockSignal signal(rig.plan(), 16, 1);
  const std::vector<ConstFrames> block = signal.part(0, 16);
  Buffer room(runner->max_output_frames(),
              rig.plan().values[static_cast<std::size_t>(rig.plan().output)].channels);
  const AllocationCounter counter;
  runner->process(0, block, room.view());
  CHECK(counter.count() > 0);
}

TEST_CASE("playing block plans neither allocates nor frees") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    for (const Isa isa : supported_isas()) {
      for (const int threads : {1, 2}) {
        for (const int block : {1, 7, 64}) {
          const auto runner =
              make_cpu_block_runner_for(isa, plan, {Precision::f32, 2, block, threads});
          const BlockSignal signal(plan, block, seed);
          const std::vector<ConstFrames> views = signal.part(0, block);
          Buffer room(runner->max_output_frames(),
                      plan.values[static_cast<std::size_t>(plan.output)].channels);
          const AllocationCounter counter;
          for (int s = 0; s < 2; ++s) {
            runner->start(s);
            for (int call = 0; call < 5; ++call) {
              runner->process(s, views, room.view());
            }
            while (runner->finish(s, room.view()) > 0) {
            }
          }
          const long long count = counter.count();
          CAPTURE(seed, isa_name(isa), threads, block);
          CHECK(count == 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace ondes
