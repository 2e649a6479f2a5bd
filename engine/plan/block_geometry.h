// How operations of a block plan count frames: what each reads and writes, how many frames of its
// output some frames of its inputs allow, and how many a finished signal gives. Runners schedule by
// these functions, so that they and output_frames() cannot disagree. Any thread.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/host_device.h"
#include "engine/plan/block_plan.h"

namespace ondes {

// Values an operation reads: its input first, then a residual; all inputs of a sum.
std::vector<BlockValueId> inputs_of(const BlockOp& op);
// Values it writes, at the same frames: `output`, then `mapped`; those that are there.
std::vector<BlockValueId> outputs_of(const BlockOp& op);
// "conv", "transposed conv", "sum", ...
std::string kind_name(const BlockOp& op);

// Output frames that are complete when `input_frames` frames of the first input are known and more
// may follow. Residuals and the other inputs of a sum limit the result to their own frames; that is
// the caller's minimum to take.
std::int64_t frames_available(const BlockOp& op, std::int64_t input_frames);
// Output frames of a whole signal of `input_frames`; the same about residuals.
std::int64_t frames_in_all(const BlockOp& op, std::int64_t input_frames);
// The first frame of the first input that output frame t reads; may be negative (padding).
std::int64_t first_frame_read(const BlockOp& op, std::int64_t t);

// Frames of every value when `plan_frames` frames of the inputs are known: of a signal that goes on
// (all = false) or of a whole one.
std::vector<std::int64_t> frames_of_values(const BlockPlan& plan,
                                           std::int64_t plan_frames,
                                           bool all);

// The frame of a signal of `frames` (>= 1) that a position before its start or beyond its end
// mirrors: ... 2 1 | 0 1 2 ... L-1 | L-2 ..., again and again where the signal is short.
ONDES_HOST_DEVICE inline std::int64_t reflected_frame(std::int64_t t, std::int64_t frames) {
  const std::int64_t period = frames > 1 ? 2 * (frames - 1) : 1;
  const std::int64_t within = (t % period + period) % period;
  return within < frames ? within : period - within;
}

}  // namespace ondes
