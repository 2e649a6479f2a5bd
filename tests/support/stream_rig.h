// Sources whose samples tell where they come from, so that a lost, repeated or swapped frame shows.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "engine/stream/stream_source.h"

namespace ondes {

// Frame n is (value(n), -value(n)): never 0, small enough to stay exact in a float.
inline float counted_value(std::int64_t frame) {
  return static_cast<float>(frame % 100000 + 1) / 131072.0F;
}

struct CountingSourceOptions {
  std::int64_t total_frames = 0;
  std::int64_t ring_out_frames = 0;  // after retire()
  std::int64_t first = 0;            // the number of its first frame
  int rate_hz = 48000;
  int channels = 2;
  // Its own frames [bad_from, bad_to) hold `bad` on the right.
  std::int64_t bad_from = 0;
  std::int64_t bad_to = 0;
  float bad = std::numeric_limits<float>::quiet_NaN();
  std::string voice_name;
  std::string failure;
  // Called before each render, on the render thread.
  std::function<void(std::int64_t frame)> before;
  std::atomic<int>* alive = nullptr;
};

class CountingSource : public StreamSource {
 public:
  explicit CountingSource(CountingSourceOptions options) : options_(std::move(options)) {
    if (options_.alive != nullptr) {
      ++*options_.alive;
    }
  }
  ~CountingSource() override {
    if (options_.alive != nullptr) {
      --*options_.alive;
    }
  }
  int sample_rate_hz() const noexcept override { return options_.rate_hz; }
  int channels() const noexcept override { return options_.channels; }
  int render(Frames out, std::int64_t) noexcept override {
    if (options_.before) {
      options_.before(done_);
    }
    const auto count =
        static_cast<int>(std::min<std::int64_t>(out.frames(), options_.total_frames - done_));
    for (int t = 0; t < count; ++t) {
      const float value = counted_value(options_.first + done_ + t);
      for (int c = 0; c < out.channels(); ++c) {
        out[t][static_cast<std::size_t>(c)] = c % 2 == 0 ? value : -value;
      }
      if (done_ + t >= options_.bad_from && done_ + t < options_.bad_to) {
        out[t].back() = options_.bad;
      }
    }
    done_ += count;
    return count;
  }
  void retire() noexcept override {
    options_.total_frames = std::min(options_.total_frames, done_ + options_.ring_out_frames);
  }
  void limit_lanes(int lanes) noexcept override { lanes_ = lanes; }
  SourceState state() const noexcept override {
    SourceState state;
    state.position_s = static_cast<double>(done_) / options_.rate_hz;
    state.lanes_limit = lanes_;
    state.lanes_most = kLanes;
    return state;
  }
  std::string voice_name() const override { return options_.voice_name; }
  std::string failure() const override { return options_.failure; }

 private:
  CountingSourceOptions options_;
  std::int64_t done_ = 0;
  static constexpr int kLanes = 16;
  int lanes_ = kLanes;
};

inline std::unique_ptr<StreamSource> counting(CountingSourceOptions options) {
  return std::make_unique<CountingSource>(std::move(options));
}

}  // namespace ondes
