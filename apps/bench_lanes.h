// Lanes of a step plan that draw for ever, for benchmarks, and the time their calls take.
//
// Conditioning is one row of constants every 256 samples, where the plan takes rows. Set-up and render
// thread are one.
#pragma once
#include <functional>
#include <vector>

#include "engine/buffer.h"
#include "engine/plan/step_runner.h"

namespace ondes {

class LaneLoad {
 public:
  // Starts lanes 0 .. lanes - 1. The runner must outlive it.
  LaneLoad(StepRunner& runner, const StepPlan& plan, int lanes, int block_samples);
  LaneLoad(const LaneLoad&) = delete;
  LaneLoad& operator=(const LaneLoad&) = delete;

  void block();  // the next samples of all lanes
  // The samples of the last block, one lane after the other.
  std::vector<float> last_block() const;
  int lanes() const { return static_cast<int>(lanes_.size()); }
  int block_samples() const { return block_; }

 private:
  void place_rows();

  StepRunner& runner_;
  int block_;
  Buffer rows_;
  Buffer features_;
  Buffer output_;
  std::vector<int> starts_;
  std::vector<StepLane> lanes_;
};

// Seconds of a call, and how many were timed.
struct CallTimes {
  double best_s = 0.0;
  double median_s = 0.0;
  int calls = 0;
};

// Calls until `seconds` are over, at least three; one before them warms up. `between` comes after
// each, untimed.
CallTimes time_calls(const std::function<void()>& call,
                     double seconds,
                     const std::function<void()>& between = {});

}  // namespace ondes
