// Which frame a device plays at which time, from the jittery times at which it asks for frames.
//
// A delay-locked loop (F. Adriaensen, "Using a DLL to filter time", LAC 2005) follows the callbacks;
// between two callbacks time is interpolated. Callbacks may differ in length. Its bandwidth is
// 1 / (elapsed time), between kFirstBandwidthHz and kBandwidthHz: it finds the device's time within
// a few callbacks and then lets their jitter through less and less. A jump of more than kJumpS (a
// suspended machine, a stalled device) starts it anew.
//
// Device thread: update(). Any thread: frame_at(). Nothing allocates.
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
  static constexpr double kJumpS = 0.1;

  explicit StreamClock(int sample_rate_hz) : rate_hz_(sample_rate_hz) {}

  // At `now_ns` the device takes `frames` frames, the first of which is `first_frame`.
  void update(std::int64_t first_frame, int frames, std::int64_t now_ns) noexcept ONDES_REALTIME {
    const double error_ns = static_cast<double>(now_ns) - next_ns_;
    if (!running_ || std::abs(error_ns) > kJumpS * 1.0e9) {
      running_ = true;
      elapsed_s_ = 0.0;
      frame_ns_ = 1.0e9 / rate_hz_;
      filtered_ns_ = static_cast<double>(now_ns);
    } else {
      // `omega` is of the time since the last callback; more than 1 would not be stable.
      const double since_s = last_frames_ / rate_hz_;
      elapsed_s_ += since_s;
      const double bandwidth_hz = std::clamp(1.0 / elapsed_s_, kBandwidthHz, kFirstBandwidthHz);
      const double omega = std::min(2.0 * std::numbers::pi * bandwidth_hz * since_s, 0.5);
      filtered_ns_ = next_ns_ + std::numbers::sqrt2 * omega * error_ns;
      frame_ns_ += omega * omega * error_ns / last_frames_;
    }
    last_frames_ = frames;
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

 private:
  struct Tick {
    std::int64_t frame = 0;
    double at_ns = 0.0;
    double frame_ns = 1.0;
  };

  double rate_hz_;
  bool running_ = false;
  double elapsed_s_ = 0.0;
  int last_frames_ = 0;
  double filtered_ns_ = 0.0;  // nanoseconds since a monotonic clock's epoch fit a double to 1 us
  double next_ns_ = 0.0;
  double frame_ns_ = 1.0;

  Published<Tick> tick_;
};

}  // namespace ondes
