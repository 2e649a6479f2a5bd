// The gain of a lane between conditioning rows: a straight line from where it stands to the level
// the row asks for, over one hop.
//
//   gain(j) = from + (to - from) * (j + 1) / hop     for sample j = 0, 1, ... of the row; to when j
//   >= hop
//
// The first row starts from 0. A row that comes early (a release cuts the hop short) starts from
// the gain reached. Training divides its recordings by exactly this gain, so both sides include
// this header. Any thread.
#pragma once

namespace ondes {

// The root mean square that level-normalised network samples have by convention: the level network
// answers ln(RMS of the note / kNetworkRms).
inline constexpr float kNetworkRms = 0.125F;

class LevelRamp {
 public:
  explicit LevelRamp(int hop_samples) noexcept
      : hop_samples_(hop_samples), step_(1.0F / static_cast<float>(hop_samples)) {}

  void reset() noexcept {
    from_ = to_ = 0.0F;
    sample_ = 0;
  }
  // A row opens with the next sample.
  void open_row(float to) noexcept {
    from_ = gain();
    to_ = to;
    sample_ = 0;
  }
  // Moves on by a sample and returns its gain.
  float next() noexcept {
    const float now = gain();
    ++sample_;
    return now;
  }
  // The gain of the next sample.
  float gain() const noexcept {
    return sample_ >= hop_samples_ ? to_
                                   : from_ + (to_ - from_) * (static_cast<float>(sample_) * step_);
  }
  float target() const noexcept { return to_; }

 private:
  int hop_samples_;
  float step_;
  float from_ = 0.0F;
  float to_ = 0.0F;
  int sample_ = 0;  // of the row, the next one
};

}  // namespace ondes
