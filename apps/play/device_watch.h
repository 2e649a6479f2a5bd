// What the callbacks of a device tell: how many frames it takes at once, and whether it still asks.
//
// A turn is what a device takes at once. It may come as several callbacks: a sound server whose
// period grows while a client plays (JACK's, PipeWire's by itself) has PortAudio cut the new period
// into pieces of the old one, which bear the same time of the driver's. Between two turns of N frames
// nothing is asked for, so that the lead of a stream must be N frames at least, whatever the pieces.
//
// A turn counts once two of the last kTurns were as long: a callback that comes twice because the
// machine was late tells nothing. A longer turn is planned for at once, a shorter one when turns have
// been shorter for kShrinkS: servers change to and fro while their clients come and go.
//
// TurnMeter::add(): device thread. TurnMeter::turn_frames(): any thread. The rest: control thread.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "engine/realtime.h"

namespace ondes {

class TurnMeter {
 public:
  static constexpr int kTurns = 8;

  explicit TurnMeter(int sample_rate_hz) : frame_ns_(1.0e9 / sample_rate_hz) {}

  // A callback for `frames` frames, now, of the turn that the driver says was at `device_time_s`.
  // Returns when the device takes them: the pieces of a turn follow one another.
  std::int64_t add(double device_time_s, int frames, std::int64_t now_ns) noexcept ONDES_REALTIME {
    // A driver that knows no time says the same always: pieces come without a rest.
    const bool piece = frames_ > 0 && device_time_s == device_time_s_ &&
                       static_cast<double>(now_ns - called_ns_) < frame_ns_ * last_frames_ / 2.0;
    called_ns_ = now_ns;
    last_frames_ = frames;
    if (!piece) {
      finish_turn();
      device_time_s_ = device_time_s;
      begin_ns_ = now_ns;
    }
    const std::int64_t taken_ns = begin_ns_ + static_cast<std::int64_t>(frame_ns_ * frames_);
    frames_ += frames;
    return taken_ns;
  }
  // Of the last turns the longest but one; 0 before there are two.
  int turn_frames() const noexcept { return turn_frames_.load(std::memory_order_relaxed); }

 private:
  void finish_turn() noexcept {
    if (frames_ == 0) {
      return;
    }
    turns_[static_cast<std::size_t>(next_++ % kTurns)] = frames_;
    frames_ = 0;
    int longest = 0;
    int second = 0;
    for (const int turn : turns_) {
      second = std::max(second, std::min(longest, turn));
      longest = std::max(longest, turn);
    }
    turn_frames_.store(second, std::memory_order_relaxed);
  }

  double frame_ns_;
  double device_time_s_ = 0.0;
  std::int64_t begin_ns_ = 0;
  std::int64_t called_ns_ = 0;
  int last_frames_ = 0;  // of the last callback
  int frames_ = 0;       // of the turn so far
  std::array<int, kTurns> turns_{};
  unsigned next_ = 0;
  std::atomic<int> turn_frames_{0};
};

class TurnPlanner {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kShrinkS{1};

  explicit TurnPlanner(int planned_frames = 0) : planned_frames_(planned_frames) {}

  int planned_frames() const noexcept { return planned_frames_; }
  // The turn to plan for from now on, where it is another one. `turn_frames` 0: not known.
  std::optional<int> look(int turn_frames, Time now) noexcept {
    if (turn_frames == 0 || turn_frames == planned_frames_) {
      shorter_ = false;
      return std::nullopt;
    }
    if (turn_frames < planned_frames_) {
      if (!shorter_) {
        shorter_ = true;
        shorter_since_ = now;
        longest_shorter_ = 0;
      }
      longest_shorter_ = std::max(longest_shorter_, turn_frames);
      if (now - shorter_since_ < kShrinkS) {
        return std::nullopt;
      }
      turn_frames = longest_shorter_;
    }
    shorter_ = false;
    planned_frames_ = turn_frames;
    return turn_frames;
  }

 private:
  int planned_frames_;
  bool shorter_ = false;
  Time shorter_since_;
  int longest_shorter_ = 0;  // since then
};

// Whether a device has stopped asking. Only time that was watched counts: after the program was
// stopped (Ctrl-Z, a machine that slept), or was busy elsewhere, the wait goes on where it was.
class SilenceWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds kLongestStepMs{200};

  void begin(Time now) noexcept {
    looked_at_ = now;
    silent_ = {};
  }
  // For how long the count of frames that were asked for has been the same.
  std::chrono::nanoseconds look(std::int64_t device_frames, Time now) noexcept {
    const std::chrono::nanoseconds step = now - looked_at_;
    looked_at_ = now;
    silent_ = device_frames == frames_
                  ? silent_ + std::min<std::chrono::nanoseconds>(step, kLongestStepMs)
                  : std::chrono::nanoseconds{0};
    frames_ = device_frames;
    return silent_;
  }

 private:
  Time looked_at_;
  std::int64_t frames_ = -1;
  std::chrono::nanoseconds silent_{0};
};

}  // namespace ondes
