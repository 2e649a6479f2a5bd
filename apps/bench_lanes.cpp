#include "apps/bench_lanes.h"

#include <algorithm>
#include <chrono>

namespace ondes {
namespace {

constexpr int kHopSamples = 256;
constexpr float kFeature = 0.1F;

}  // namespace

LaneLoad::LaneLoad(StepRunner& runner, const StepPlan& plan, int lanes, int block_samples)
    : runner_(runner),
      block_(block_samples),
      rows_(1 + block_samples / kHopSamples, plan.row_features),
      features_(block_samples, plan.sample_features),
      output_(lanes, block_samples) {
  const auto fill = [](Frames frames) {
    std::fill_n(frames.data(), frames.frames() * frames.channels(), kFeature);
  };
  fill(rows_.view());
  fill(features_.view());
  for (int i = 0; i < lanes; ++i) {
    StepLane lane;
    lane.slot = i;
    lane.seed = 1;
    lane.identity = static_cast<std::uint64_t>(i);
    lane.sample_features = features_.view();
    lane.output = output_.view()[i];
    lanes_.push_back(lane);
    runner.start(i);
  }
}

// A row at the block's begin where a hop begins there, and one at every hop within it.
void LaneLoad::place_rows() {
  const std::int64_t first = lanes_.front().first_sample;
  starts_.clear();
  for (auto at = static_cast<int>((kHopSamples - first % kHopSamples) % kHopSamples); at < block_;
       at += kHopSamples) {
    starts_.push_back(at);
  }
  for (StepLane& lane : lanes_) {
    lane.rows = rows_.view().subview(0, static_cast<int>(starts_.size()));
    lane.row_starts = starts_;
  }
}

void LaneLoad::block() {
  place_rows();
  runner_.process(lanes_, block_);
  for (StepLane& lane : lanes_) {
    lane.first_sample += block_;
  }
}

std::vector<float> LaneLoad::last_block() const {
  const ConstFrames view = output_.view();
  return {view.data(), view.data() + view.frames() * view.channels()};
}

CallTimes time_calls(const std::function<void()>& call,
                     double seconds,
                     const std::function<void()>& between) {
  constexpr std::size_t kLeastCalls = 3;
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  call();
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  while (times.size() < kLeastCalls || since(start) < seconds) {
    const Clock::time_point begin = Clock::now();
    call();
    times.push_back(since(begin));
    if (between) {
      between();
    }
  }
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2], static_cast<int>(times.size())};
}

}  // namespace ondes
