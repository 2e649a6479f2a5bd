// How busy the render thread is, and what follows from it.
//
//   load of a block = time to make it / time it lasts
//   smoothed        = one-pole average over kAverageS of audio
//
// When the smoothed load has stayed over kTooHigh for kPatienceS, the advice is to keep as many
// lanes as fit into kComfortable of the time, and at most seven eighths of those that sound. It is
// given without patience where the load is over 1 and half of what was rendered ahead is used up:
// then an underrun is near. After an advice the meter takes the load to be right until it has seen
// more. Render thread; plain data.
#pragma once
#include <algorithm>
#include <cmath>

#include "engine/realtime.h"

namespace ondes {

class LoadMeter {
 public:
  static constexpr double kTooHigh = 0.9;
  static constexpr double kComfortable = 0.8;
  static constexpr double kPatienceS = 0.25;
  static constexpr double kAverageS = 0.1;

  void add(double busy_s, double audio_s) noexcept ONDES_REALTIME {
    const double load = busy_s / audio_s;
    const double keep = std::exp(-audio_s / kAverageS);
    smoothed_ = keep * smoothed_ + (1.0 - keep) * load;
    worst_ = std::max(worst_, load);
    high_s_ = smoothed_ > kTooHigh ? high_s_ + audio_s : 0.0;
  }
  double smoothed() const noexcept { return smoothed_; }
  double worst() const noexcept { return worst_; }

  // How many lanes to keep of at most `limit`, of which `now` sound; `limit` when all is well.
  int advise(int limit, int now, bool underrun_is_near) noexcept ONDES_REALTIME {
    const bool urgent = underrun_is_near && smoothed_ > 1.0;
    if ((high_s_ < kPatienceS && !urgent) || limit <= 1) {
      return limit;
    }
    const int sounding = now > 0 ? std::min(now, limit) : limit;
    const int fitting = static_cast<int>(sounding * kComfortable / smoothed_);
    high_s_ = 0.0;
    smoothed_ = std::min(smoothed_, kTooHigh);
    return std::max(std::min(fitting, sounding - std::max(sounding / 8, 1)), 1);
  }

 private:
  double smoothed_ = 0.0;
  double worst_ = 0.0;
  double high_s_ = 0.0;
};

}  // namespace ondes
