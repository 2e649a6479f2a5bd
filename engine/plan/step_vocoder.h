// An autoregressive plan that is fed frames (a WaveNet vocoder), behind the interface of block
// runners: mel frames in, a hop of samples each out.
//
//   held        frame t is the conditioning row of samples t hop .. (t + 1) hop - 1
//   upsampled   a block plan makes of the frames a row for every sample; its output has hop rows for
//               a frame, and its look-ahead is the vocoder's
//
// One stream, one lane, whose random numbers are those of (seed, lane 0): the same samples for any
// blocks. Outputs are appended as they come; with held frames finish() has nothing left to give.
#pragma once
#include <cstdint>
#include <memory>

#include "engine/plan/block_runner.h"
#include "engine/plan/lane_runner.h"

namespace ondes {

struct StepVocoderOptions {
  int row_features = 0;  // F of the lane's plan
  int hop_samples = 1;
  int max_block_frames = 16;  // at most what the upsampler was made for
  std::uint64_t seed = 0;
  float temperature = 1.0F;
};

// `upsampler` is null for held frames; otherwise a runner of a plan with F outputs at hop times the
// rate of its frames. Throws Error{usage} for options that make no sense. set_probe() of the result
// throws Error{usage}: the parts have probes of their own.
std::unique_ptr<BlockRunner> make_step_vocoder(std::unique_ptr<LaneRunner> lane,
                                               std::unique_ptr<BlockRunner> upsampler,
                                               const StepVocoderOptions& options);

}  // namespace ondes
