// The backend interface that note lanes play through, whatever kind of plan makes their samples:
// many lanes of one plan, advanced together.
//
// A runner owns the state of max_lanes lanes. A caller hands it the lanes that are alive, in any
// order and number, and a count of samples; any split of a lane's samples into calls, any company
// of other lanes and any thread count gives the same samples, bit for bit on one instruction set
// (and, in the integer precisions, on all).
//
// Set-up thread: construction. Render thread: start() of a lane before its first process, and
// process().
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

// f16: halves with f32 sums, on CUDA devices only.
enum class Precision { f32, f16, i16, i8 };

// One lane's share of a call of n samples.
struct StepLane {
  int slot = 0;                   // which state, in [0, max_lanes)
  std::int64_t first_sample = 0;  // index of the first sample, counted from the lane's onset
  std::uint64_t seed = 0;         // Philox key
  std::uint64_t identity = 0;     // upper half of the Philox counter
  float temperature = 1.0F;       // scales the spread of the distribution; 0 takes its centre

  // Conditioning rows that come into force within this call: row r (F features) from sample offset
  // row_starts[r] on, ascending. The first call after start() must have one at offset 0.
  ConstFrames rows;                 // (rows, F)
  std::span<const int> row_starts;  // (rows)
  ConstFrames sample_features;      // (n, P)
  std::span<float> output;          // (n), samples in [-1, 1] before the level is applied

  // Teacher forcing, autoregressive plans only: when not empty, sample t is teacher[t] instead of a
  // drawn one, output repeats it, and log_likelihood (n, may be empty) receives ln P of it in nats,
  // per bin of amplitude_levels.
  std::span<const float> teacher;
  std::span<float> log_likelihood;
};

class LaneRunner {
 public:
  virtual ~LaneRunner() = default;
  // Puts a lane's state back to before its first sample.
  virtual void start(int slot) noexcept ONDES_REALTIME = 0;
  // Advances every lane by `samples` (at most max_block_samples; slots distinct).
  virtual void process(std::span<const StepLane> lanes, int samples) noexcept ONDES_REALTIME = 0;
  virtual int max_lanes() const noexcept = 0;
  virtual int max_block_samples() const noexcept = 0;
  // What runs and why, for people: "cpu avx512 i8, 2 threads".
  virtual std::string description() const = 0;
  // Why its samples are no finite numbers any more, where the machine it runs on is at fault: the
  // device's own words. Empty otherwise. Not while process() runs.
  virtual std::string failure() const { return {}; }
};

struct LaneRunnerOptions {
  Precision precision = Precision::f32;
  int max_lanes = 16;
  int max_block_samples = 256;
  int threads = 1;
};

}  // namespace ondes
