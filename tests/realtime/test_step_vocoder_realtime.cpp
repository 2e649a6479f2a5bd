// A mel through a voice that makes a sample a step: what `ondes play` runs on its render thread.
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/buffer.h"
#include "engine/plan/step_vocoder.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/runner_rig.h"

using namespace ondes;

namespace {

constexpr int kHop = 48;
constexpr int kFrames = 8;

}  // namespace

TEST_CASE("control: an allocation is counted") {
  const AllocationCounter counter;
  const auto memory = std::make_unique<std::vector<int>>(100);
  CHECK(memory->size() == 100);
  CHECK(counter.count() > 0);
}

TEST_CASE("start, process and finish of a step vocoder leave the heap alone, in every block size") {
  const RigShape shape = rig_shapes()[1];  // rows alone, as mels are
  REQUIRE(shape.sample_features == 0);
  const StepPlan plan = rig_plan(shape);
  for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
    for (const int block : {1, 3, kFrames}) {
      CAPTURE(block);
      LaneRunnerOptions lane;
      lane.precision = precision;
      lane.max_lanes = 1;
      lane.max_block_samples = 32;  // a hop takes two calls
      StepVocoderOptions options;
      options.row_features = shape.row_features;
      options.hop_samples = kHop;
      options.max_block_frames = kFrames;
      const auto vocoder = make_step_vocoder(make_cpu_step_runner(plan, lane), nullptr, options);
      Buffer features(block, shape.row_features);
      Buffer out(vocoder->max_output_frames(), 1);
      const ConstFrames input = features.view();
      const AllocationCounter counter;
      vocoder->start(0);
      int made = 0;
      for (int t = 0; t < 20; ++t) {
        made += vocoder->process(0, {&input, 1}, out.view());
      }
      made += vocoder->finish(0, out.view());
      CHECK(counter.count() == 0);
      CHECK(made == 20 * block * kHop);
    }
  }
}
