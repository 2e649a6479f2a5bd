// A device that is only a clock: takes a block of frames at every tick and keeps them if asked to.
//
//   callback n is due at start + n * block_frames / (rate * speed), on the steady clock
//
// As a sound card, it does not catch up what it was late for: a callback that comes later than its
// successor is due is counted, and the ticks go on from there. Stalls can be injected: before
// callback n the device sleeps stall(n).
//
// Set-up thread: everything but the callbacks, which come from a thread of the sink.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "engine/stream/stream.h"

namespace ondes {

struct ClockedSinkOptions {
  int block_frames = 256;
  double speed = 1.0;            // of the clock; 0: no clock, as fast as frames are there
  std::int64_t keep_frames = 0;  // the first ones; memory is taken at once
  std::function<std::chrono::nanoseconds(std::int64_t callback)> stall;
};

class ClockedSink {
 public:
  ClockedSink(Stream& stream, const ClockedSinkOptions& options);
  ~ClockedSink() { stop(); }
  ClockedSink(const ClockedSink&) = delete;
  ClockedSink& operator=(const ClockedSink&) = delete;

  void start();
  void stop() noexcept;
  // Until the stream has finished and its last frame was taken.
  void wait() const;

  std::int64_t callbacks() const noexcept { return callbacks_.load(); }
  std::int64_t late_callbacks() const noexcept { return late_.load(); }
  std::int64_t kept_frames() const noexcept { return kept_.load(std::memory_order_acquire); }
  ConstFrames kept(std::int64_t first, int count) const noexcept;

 private:
  void run() noexcept;
  bool may_pull() const noexcept;
  bool wait_until(std::chrono::steady_clock::time_point due) const noexcept;
  void keep(ConstFrames block) noexcept;

  Stream& stream_;
  ClockedSinkOptions options_;
  Buffer block_;
  std::vector<float> memory_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> callbacks_{0};
  std::atomic<std::int64_t> late_{0};
  std::atomic<std::int64_t> kept_{0};
};

}  // namespace ondes
