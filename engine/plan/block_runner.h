// The backend interface for block plans: one or more streams through one plan.
//
// A runner owns the state of max_streams signals. A stream is started, fed blocks of any size up to
// max_block_frames, and finished; the concatenated output is, bit for bit, what one call on the
// whole signal gives. Whatever a block completes comes out of the same call: n plan frames give
// about n * rate output frames, less at first by the look-ahead, which finish() brings out.
//
// Set-up thread: construction, set_probe(). Render thread: start(), process(), finish().
#pragma once
#include <memory>
#include <span>
#include <string>

#include "engine/plan/block_plan.h"
#include "engine/plan/step_runner.h"
#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

class BlockRunner {
 public:
  virtual ~BlockRunner() = default;

  // Puts a stream's state back to before its first frame.
  virtual void start(int stream) noexcept ONDES_REALTIME = 0;
  // `inputs`: one view for each of the plan's inputs, of this block's frames at that input's rate.
  // Writes to the front of `output` (at least max_output_frames() long) and returns the frames
  // written.
  virtual int process(int stream,
                      std::span<const ConstFrames> inputs,
                      Frames output) noexcept ONDES_REALTIME = 0;
  // The signal is over: pads its far end and writes what is left, in pieces: call it until it
  // returns 0.
  virtual int finish(int stream, Frames output) noexcept ONDES_REALTIME = 0;

  virtual int max_streams() const noexcept = 0;
  virtual int max_block_frames() const noexcept = 0;
  virtual int max_output_frames() const noexcept = 0;  // of one call
  virtual int latency_frames() const noexcept = 0;     // plan frames
  // Receives every frame of one value from now on (appended to the vector, time-major); null removes
  // it. For comparing backends and naming the operation that differs.
  virtual void set_probe(BlockValueId value, std::vector<float>* frames) = 0;
  // What runs and why, for people: "cpu avx512 f32, 2 threads".
  virtual std::string description() const = 0;
  // Why its samples are no finite numbers any more, as LaneRunner::failure().
  virtual std::string failure() const { return {}; }
};

struct BlockRunnerOptions {
  // i8: large convolutions take 8-bit inputs and weights and sum in integers, the same samples on
  // every machine; the plan must be calibrated. The first transposed convolutions, up to a twentieth
  // of the work, stay in f32: everything behind them would repeat their error. i16 is refused:
  // Error{usage}.
  Precision precision = Precision::f32;
  int max_streams = 1;
  int max_block_frames = 16;
  int threads = 1;
};

// engine/cpu. Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is.
std::unique_ptr<BlockRunner> make_cpu_block_runner(const BlockPlan& plan,
                                                   const BlockRunnerOptions& options);

// The range of every channel of every value over the whole of one or more signals (evaluated in f32
// on the CPU, `threads` threads): what BlockPlan::ranges holds, so that a stream's scales never
// depend on its blocks. clips[n][i] is input i of signal n.
std::vector<BlockRange> calibrated_ranges(const BlockPlan& plan,
                                          std::span<const std::vector<ConstFrames>> clips,
                                          int threads = 1);

// The judge: plain loops over whole signals, one call. input i (frames, channels) at its rate.
// Returns the output value's frames.
std::vector<float> evaluate_block_plan(const BlockPlan& plan, std::span<const ConstFrames> inputs);

}  // namespace ondes
