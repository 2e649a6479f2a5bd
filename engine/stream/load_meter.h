// How busy the render thread is, and what follows from it.
//
//   load of a block = time to make it / time it lasts
//   smoothed        = one-pole average over kAverageS of audio; so are the lanes that sound
//
// Down: when the smoothed load has stayed over kTooHigh for kPatienceS, the advice is to keep as
// many lanes as fit into kComfortable of the time, and at most seven eighths of those that sound.
// It is given without patience where half of what was rendered ahead (the lead) is used up, so that
// an underrun is near, and
//   - the smoothed load is over 1, or
//   - two blocks or more in a row were, and took a quarter of the lead: theirs is then the load.
// A lead may be much shorter than kAverageS; one block that took long alone (another program had the
// processor) is no reason. After an advice the meter takes the load to be right until it has seen
// more, for kSettleS at least: lanes fade out in 5 ms.
//
// Up again, carefully: when lanes have sounded at a load under kLow for the raise patience, without
// a break, the advice is to allow as many as would fit into kComfortable at the load a lane has now,
// at most half as many again. Silence teaches nothing and counts as no time. A raise that had to be
// taken back within kTrialS doubles the raise patience, up to kMostRaisePatienceS; lanes that are
// given up later than that bring the first patience back.
//
// Render thread; plain data.
#pragma once
#include <algorithm>
#include <cmath>

#include "engine/realtime.h"

namespace ondes {

class LoadMeter {
 public:
  static constexpr double kTooHigh = 0.9;
  static constexpr double kComfortable = 0.8;
  static constexpr double kLow = 0.7;
  static constexpr double kPatienceS = 0.25;
  static constexpr double kRaisePatienceS = 4.0;
  static constexpr double kMostRaisePatienceS = 64.0;
  static constexpr double kRetryS = 1.0;
  static constexpr double kTrialS = 8.0;
  static constexpr double kAverageS = 0.1;
  static constexpr double kSettleS = 0.006;

  explicit LoadMeter(double lead_s = 1.0) : lead_s_(lead_s) {}

  void set_lead(double lead_s) noexcept ONDES_REALTIME { lead_s_ = lead_s; }

  // `lanes` sounded in a block that lasts `audio_s`.
  void add(double busy_s, double audio_s, int lanes) noexcept ONDES_REALTIME {
    const double load = busy_s / audio_s;
    const double keep = std::exp(-audio_s / kAverageS);
    smoothed_ = keep * smoothed_ + (1.0 - keep) * load;
    lanes_ = keep * lanes_ + (1.0 - keep) * lanes;
    worst_ = std::max(worst_, load);
    high_s_ = smoothed_ > kTooHigh ? high_s_ + audio_s : 0.0;
    low_s_ = smoothed_ >= kLow ? 0.0 : lanes > 0 ? low_s_ + audio_s : low_s_;
    since_raise_s_ += audio_s;
    since_advice_s_ += audio_s;
    const bool too_long = load > 1.0 && since_advice_s_ > kSettleS;
    row_blocks_ = too_long ? row_blocks_ + 1 : 0;
    row_busy_s_ = too_long ? row_busy_s_ + busy_s : 0.0;
    row_audio_s_ = too_long ? row_audio_s_ + audio_s : 0.0;
  }
  double smoothed() const noexcept { return smoothed_; }
  double worst() const noexcept { return worst_; }

  // How many lanes to keep of at most `limit`, of which `now` sound; `limit` when all is well.
  int advise(int limit, int now, bool underrun_is_near) noexcept ONDES_REALTIME {
    const bool row = row_blocks_ >= 2 && row_busy_s_ - row_audio_s_ >= lead_s_ / 4.0;
    const bool urgent = underrun_is_near && (smoothed_ > 1.0 || row);
    if ((high_s_ < kPatienceS && !urgent) || limit <= 1) {
      return limit;
    }
    const int sounding = now > 0 ? std::min(now, limit) : limit;
    const double load =
        underrun_is_near && row ? std::max(smoothed_, row_busy_s_ / row_audio_s_) : smoothed_;
    const int fitting = static_cast<int>(sounding * kComfortable / load);
    since_advice_s_ = 0.0;
    row_blocks_ = 0;
    high_s_ = 0.0;
    low_s_ = 0.0;
    smoothed_ = std::min(smoothed_, kTooHigh);
    raise_patience_s_ = since_raise_s_ < kTrialS
                            ? std::min(2.0 * raise_patience_s_, kMostRaisePatienceS)
                            : kRaisePatienceS;
    return std::max(std::min(fitting, sounding - std::max(sounding / 8, 1)), 1);
  }

  // How many lanes to allow again where `limit` of `most` are; `limit` until it is time.
  int advise_more(int limit, int most) noexcept ONDES_REALTIME {
    if (limit >= most || low_s_ < raise_patience_s_) {
      return limit;
    }
    const double fitting = lanes_ * kComfortable / std::max(smoothed_, 1.0e-3);
    const int raised = static_cast<int>(std::min<double>(
        {fitting, static_cast<double>(limit + std::max(limit / 2, 1)), static_cast<double>(most)}));
    if (raised <= limit) {
      low_s_ -= kRetryS;  // one more would not fit now
      return limit;
    }
    low_s_ = 0.0;
    since_raise_s_ = 0.0;
    return raised;
  }

 private:
  double lead_s_;
  double smoothed_ = 0.0;
  double lanes_ = 0.0;  // that sound, smoothed as the load is
  double worst_ = 0.0;
  double high_s_ = 0.0;
  double low_s_ = 0.0;
  double since_raise_s_ = kTrialS;
  double since_advice_s_ = kSettleS;
  int row_blocks_ = 0;  // over 1, without a break, and what they took and lasted
  double row_busy_s_ = 0.0;
  double row_audio_s_ = 0.0;
  double raise_patience_s_ = kRaisePatienceS;
};

}  // namespace ondes
