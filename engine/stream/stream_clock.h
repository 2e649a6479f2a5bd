// Which frame a device plays at which time, from the jittery times at which it asks for frames.
//
// A delay-locked loop (F. Adriaensen, "Using a DLL to filter time", LAC 2005) follows the callbacks;
// between two callbacks time is interpolated. Callbacks may differ in length. Its bandwidth is
// 1 / (elapsed time), between kFirstBandwidthHz and kBandwidthHz: it finds the device's time within
// a few callbacks and then lets their jitter through less and less.
//
// A callback that is off by more than is usual says little: it counts as one that is just within the
// limit, and nothing about the device's rate. Where all callbacks of kStepS are off to the same side,
// the device's time has made a step (a sound server that lost a period goes on from then), and the
// clock makes it, too: the loop alone would creep there for ten seconds. A jump of more than kJumpS
// (a suspended machine, a stalled device) starts the clock anew.
//
// Device thread: update(), time_of(). Any thread: frame_at(). Nothing allocates.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

#include "engine/realtime.h"
#include "engine/stream/published.h"

namespace ondes {

class StreamClock {
 public:
  static constexpr double kFirstBandwidthHz = 4.0;
  static constexpr double kBandwidthHz = 0.1;
  static constexpr double kStepS = 0.03;
  static constexpr int kStepCallbacks = 4;        // at least
  static constexpr double kLeastLimitNs = 0.5e6;  // a thread's lateness on an idle machine
  static constexpr double kLimitOfUsual = 2.0;
  static constexpr double kUsualS = 0.5;  // over which the usual error is taken
  static constexpr double kJumpS = 0.4;   // longer than the buffers that devices ask for in pieces

  explicit StreamClock(int sample_rate_hz) : rate_hz_(sample_rate_hz) {}

  // At `now_ns` the device takes `frames` frames, the first of which is `first_frame`: the one after
  // those of the call before.
  void update(std::int64_t first_frame, int frames, std::int64_t now_ns) noexcept ONDES_REALTIME {
    if (frames <= 0) {
      return;
    }
    const double error_ns = static_cast<double>(now_ns) - next_ns_;
    if (!running_ || std::abs(error_ns) > kJumpS * 1.0e9) {
      begin(now_ns);
    } else {
      follow(error_ns, now_ns);
    }
    last_frames_ = frames;
    next_frame_ = first_frame + frames;
    next_ns_ = filtered_ns_ + frame_ns_ * frames;
    tick_.publish({first_frame, filtered_ns_, frame_ns_});
  }

  // Nothing before the first update.
  std::optional<std::int64_t> frame_at(std::int64_t now_ns) const noexcept ONDES_REALTIME {
    Tick tick;
    if (!tick_.read(tick)) {
      return std::nullopt;
    }
    return tick.frame + std::llround((static_cast<double>(now_ns) - tick.at_ns) / tick.frame_ns);
  }

  // When the device takes a frame. Device thread, after the first update.
  std::int64_t time_of(std::int64_t frame) const noexcept ONDES_REALTIME {
    return std::llround(next_ns_ + frame_ns_ * static_cast<double>(frame - next_frame_));
  }

 private:
  struct Tick {
    std::int64_t frame = 0;
    double at_ns = 0.0;
    double frame_ns = 1.0;
  };

  void begin(std::int64_t now_ns) noexcept {
    running_ = true;
    elapsed_s_ = 0.0;
    usual_ns_ = 0.0;
    astray_ = 0;
    frame_ns_ = 1.0e9 / rate_hz_;
    filtered_ns_ = static_cast<double>(now_ns);
  }

  void follow(double error_ns, std::int64_t now_ns) noexcept {
    // `omega` is of the time since the last callback; more than 1 would not be stable.
    const double since_s = last_frames_ / rate_hz_;
    elapsed_s_ += since_s;
    const double bandwidth_hz = std::clamp(1.0 / elapsed_s_, kBandwidthHz, kFirstBandwidthHz);
    const double omega = std::min(2.0 * std::numbers::pi * bandwidth_hz * since_s, 0.5);
    const double limit_ns = std::max(kLeastLimitNs, kLimitOfUsual * usual_ns_);
    const double limited_ns = std::clamp(error_ns, -limit_ns, limit_ns);
    usual_ns_ += std::min(since_s / kUsualS, 1.0) * (std::abs(limited_ns) - usual_ns_);
    filtered_ns_ = next_ns_ + std::numbers::sqrt2 * omega * limited_ns;
    if (limited_ns == error_ns) {
      frame_ns_ += omega * omega * error_ns / last_frames_;
      astray_ = 0;
    } else {
      look_for_step(error_ns, now_ns);
    }
  }

  // The least of the errors is the step: a callback is late for other reasons, too.
  void look_for_step(double error_ns, std::int64_t now_ns) noexcept {
    if (astray_ == 0 || (error_ns < 0.0) != (step_ns_ < 0.0)) {
      astray_ = 0;
      astray_since_ns_ = now_ns;
      step_ns_ = error_ns;
    }
    ++astray_;
    if (std::abs(error_ns) < std::abs(step_ns_)) {
      step_ns_ = error_ns;
    }
    if (astray_ >= kStepCallbacks &&
        static_cast<double>(now_ns - astray_since_ns_) >= kStepS * 1.0e9) {
      filtered_ns_ += step_ns_;
      astray_ = 0;
    }
  }

  double rate_hz_;
  bool running_ = false;
  double elapsed_s_ = 0.0;
  int last_frames_ = 0;
  double filtered_ns_ = 0.0;  // nanoseconds since a monotonic clock's epoch fit a double to 1 us
  std::int64_t next_frame_ = 0;
  double next_ns_ = 0.0;
  double frame_ns_ = 1.0;
  double usual_ns_ = 0.0;  // how far off a callback is
  int astray_ = 0;         // callbacks in a row that are off by more, to the same side
  std::int64_t astray_since_ns_ = 0;
  double step_ns_ = 0.0;

  Published<Tick> tick_;
};

}  // namespace ondes
