// Left and right gain of a channel, glided so that controllers do not click.
//
// Equal-power pan: left = gain cos(a), right = gain sin(a), a = (pan + 1) pi / 4, so that left^2 +
// right^2 does not depend on pan and the centre is -3 dB a side. Gain: (volume * expression)^2,
// which is the 40 log10(value / 127) dB that General MIDI 2 recommends for CC7 and CC11.
//
// Changes take 5 ms, sample by sample: any split into blocks gives the same gains. Any thread.
#pragma once
#include <algorithm>
#include <cmath>

#include "engine/deterministic_math.h"

namespace ondes {

struct StereoPair {
  float left = 0.0F;
  float right = 0.0F;
};

inline constexpr double kGainGlideS = 0.005;

// volume and expression 0..1, pan -1..1.
inline StereoPair pan_gains(float volume, float expression, float pan) noexcept {
  const float level = volume * expression;
  float cosine = 1.0F;
  float sine = 0.0F;
  exact::cos_sin_turns((std::clamp(pan, -1.0F, 1.0F) + 1.0F) * 0.125F, &cosine, &sine);
  return {level * level * std::max(cosine, 0.0F), level * level * std::max(sine, 0.0F)};
}

class StereoGain {
 public:
  explicit StereoGain(int sample_rate_hz)
      : glide_samples_(std::max(1, static_cast<int>(std::lround(kGainGlideS * sample_rate_hz)))) {}

  void glide_to(StereoPair target) noexcept {
    from_ = value();
    to_ = target;
    sample_ = 0;
  }
  // The channel was silent: nothing to glide from.
  void snap() noexcept { sample_ = glide_samples_; }

  StereoPair value() const noexcept {
    if (sample_ >= glide_samples_) {
      return to_;
    }
    const float x = static_cast<float>(sample_) / static_cast<float>(glide_samples_);
    return {from_.left + (to_.left - from_.left) * x, from_.right + (to_.right - from_.right) * x};
  }
  StereoPair next() noexcept {
    if (sample_ < glide_samples_) {
      ++sample_;
    }
    return value();
  }

 private:
  int glide_samples_;
  int sample_ = 0;
  StereoPair from_;
  StereoPair to_;
};

}  // namespace ondes
