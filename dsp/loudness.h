// Programme loudness, loudness range and true peak (libebur128; ITU-R BS.1770-4, EBU R 128, EBU
// Tech 3342).
//
// A 997 Hz sine of full scale in one channel reads -3.01 LUFS, in both channels of a stereo pair
// 0.00 LUFS. Mono is one channel, as the recommendation has it.
// Memory grows by some 100 bytes a second of sound, besides 3 s of samples. One thread at a time.
#pragma once
#include <memory>
#include <optional>

#include "engine/views.h"

namespace ondes {

class LoudnessMeter {
 public:
  // Throws Error{usage} for a rate or channel count that cannot be measured.
  LoudnessMeter(int sample_rate_hz, int channels);
  ~LoudnessMeter();
  LoudnessMeter(LoudnessMeter&&) noexcept;
  LoudnessMeter& operator=(LoudnessMeter&&) noexcept;

  void add(ConstFrames block);

  // Gated loudness of all that was added; minus infinity for silence and for less than 400 ms.
  double integrated_lufs() const;
  // How far the loud stretches are above the quiet ones: from the 10th to the 95th percentile of the
  // gated loudness of 3 s blocks. Nothing for silence and for less than 3 s.
  std::optional<double> range_lu() const;
  // Largest magnitude of the four times oversampled signal over all channels; 1.0 is full scale.
  double true_peak() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ondes
