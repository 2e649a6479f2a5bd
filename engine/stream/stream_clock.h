// Which frame a device plays at which time, from the jittery times at which it asks for frames.
//
// A delay-locked loop (F. Adriaensen, "Using a DLL to filter time", LAC 2005) follows the callbacks
// with a bandwidth of kBandwidthHz; between two callbacks time is interpolated. A jump of more than
// kJumpS (a suspended machine, a stalled device) starts the loop anew.
//
// Device thread: update(). Any thread: frame_at(). Nothing allocates.
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

#include "engine/realtime.h"
#include "engine/stream/published.h"

namespace ondes {

class StreamClock {
 public:
  static constexpr double kBandwidthHz = 0.25;
  static constexpr double kJumpS = 0.1;

  explicit StreamClock(int sample_rate_hz) : rate_hz_(sample_rate_hz) {}

  // At `now_ns` the device takes `frames` frames, the first of which is `first_frame`.
  void update(std::int64_t first_frame, int frames, std::int64_t now_ns) noexcept ONDES_REALTIME {
    const double period_ns = 1.0e9 * frames / rate_hz_;
    if (!running_ || frames != frames_ ||
        std::abs(static_cast<double>(now_ns) - next_ns_) > kJumpS * 1.0e9) {
      running_ = true;
      frames_ = frames;
      slope_ns_ = period_ns;
      filtered_ns_ = static_cast<double>(now_ns);
      next_ns_ = filtered_ns_ + slope_ns_;
    } else {
      const double omega = 2.0 * std::numbers::pi * kBandwidthHz * period_ns * 1.0e-9;
      const double error = static_cast<double>(now_ns) - next_ns_;
      filtered_ns_ = next_ns_ + std::numbers::sqrt2 * omega * error;
      slope_ns_ += omega * omega * error;
      next_ns_ = filtered_ns_ + slope_ns_;
    }
    tick_.publish({first_frame, filtered_ns_, slope_ns_ / frames});
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
  int frames_ = 0;
  double filtered_ns_ = 0.0;  // nanoseconds since a monotonic clock's epoch fit a double to 1 us
  double next_ns_ = 0.0;
  double slope_ns_ = 0.0;

  Published<Tick> tick_;
};

}  // namespace ondes
