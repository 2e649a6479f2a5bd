// How busy the render thread is, and what follows from it.
//
//   load of a block = time to make it / time it lasts
//   smoothed        = one-pole average over kAverageS of audio
//
// When the smoothed load has stayed over kTooHigh for kPatienceS, the advice is to give up an
// eighth of the lanes (at least one); it is given again only after another kPatienceS. Render
// thread; plain data.
#pragma once
#include <algorithm>
#include <cmath>

#include "engine/realtime.h"

namespace ondes {

class LoadMeter {
 public:
  static constexpr double kTooHigh = 0.9;
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

  // How many lanes to keep of `lanes`; the same number when all is well.
  int advise(int lanes) noexcept ONDES_REALTIME {
    if (high_s_ < kPatienceS || lanes <= 1) {
      return lanes;
    }
    high_s_ = 0.0;
    return std::max(lanes - std::max(lanes / 8, 1), 1);
  }

 private:
  double smoothed_ = 0.0;
  double worst_ = 0.0;
  double high_s_ = 0.0;
};

}  // namespace ondes
