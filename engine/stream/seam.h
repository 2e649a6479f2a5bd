// What a device hears where a stream breaks off and goes on: no jump.
//
//   break   the last frame that was played decays by 60 dB in 3 ms, added to what follows
//   resume  the first 3 ms fade in, linearly
//
// Without a break the samples pass untouched. The thread of its owner; nothing allocates.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

inline constexpr int kMaxStreamChannels = 8;
inline constexpr double kSeamS = 0.003;

class Seam {
 public:
  explicit Seam(int sample_rate_hz)
      : fade_frames_(static_cast<int>(std::ceil(kSeamS * sample_rate_hz))),
        decay_(static_cast<float>(std::pow(1.0e-3, 1.0 / (kSeamS * sample_rate_hz)))) {}

  // The first `made` frames of `out` are the stream's, the others silence. `breaks_before` and
  // `breaks_after`: whether something is missing there.
  void apply(Frames out, int made, bool breaks_before, bool breaks_after) noexcept ONDES_REALTIME {
    if (breaks_before) {
      begin();
    }
    fade_in(out.subview(0, made));
    decay(out.subview(0, made));
    if (made > 0) {
      std::copy_n(out[made - 1].data(), out.channels(), last_.data());
    }
    if (breaks_after) {
      begin();
    }
    decay(out.subview(made, out.frames() - made));
  }
  // What came before is not heard.
  void reset() noexcept ONDES_REALTIME {
    last_.fill(0.0F);
    tail_.fill(0.0F);
    faded_in_ = kFadedIn;
  }

 private:
  static constexpr float kFloor = 1.0e-6F;  // -120 dBFS, and far above denormals
  // +12 dBFS, more than a sound that is meant: a network that diverges ends near 1e38, which would
  // take fifteen times as long to decay.
  static constexpr float kMostTail = 4.0F;
  static constexpr int kFadedIn = 1 << 30;

  void begin() noexcept {
    for (std::size_t c = 0; c < last_.size(); ++c) {
      // The sum of an unfinished tail and the new one is in last_ already.
      tail_[c] = std::clamp(last_[c], -kMostTail, kMostTail);
      last_[c] = 0.0F;
    }
    faded_in_ = 0;
  }
  void fade_in(Frames out) noexcept {
    for (int t = 0; t < out.frames() && faded_in_ < fade_frames_; ++t) {
      ++faded_in_;
      const float gain = static_cast<float>(faded_in_) / static_cast<float>(fade_frames_ + 1);
      for (float& x : out[t]) {
        x *= gain;
      }
    }
  }
  void decay(Frames out) noexcept {
    for (int t = 0; t < out.frames(); ++t) {
      float greatest = 0.0F;
      for (int c = 0; c < out.channels(); ++c) {
        float& tail = tail_[static_cast<std::size_t>(c)];
        tail *= decay_;
        greatest = std::max(greatest, std::abs(tail));
      }
      if (greatest < kFloor) {
        tail_.fill(0.0F);
        return;
      }
      for (int c = 0; c < out.channels(); ++c) {
        out[t][static_cast<std::size_t>(c)] += tail_[static_cast<std::size_t>(c)];
      }
    }
  }

  int fade_frames_;
  float decay_;
  int faded_in_ = kFadedIn;  // a stream's very beginning is no break
  std::array<float, kMaxStreamChannels> last_{};
  std::array<float, kMaxStreamChannels> tail_{};
};

}  // namespace ondes
