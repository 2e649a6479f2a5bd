#include "dsp/onset_strength.h"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/error.h"

namespace ondes {

std::vector<float> onset_strength(ConstFrames mels_db, int fft_size, int hop_samples) {
  if (fft_size < 2 || hop_samples < 1) {
    throw Error(ErrorCode::usage,
                "onset strength: expected an FFT of at least 2 and a hop of at least 1 sample, "
                "found " +
                    std::to_string(fft_size) + " and " + std::to_string(hop_samples));
  }
  const int delay_frames = fft_size / (2 * hop_samples);
  std::vector<float> strength(static_cast<std::size_t>(mels_db.frames()), 0.0F);
  for (int t = 1; t + delay_frames < mels_db.frames(); ++t) {
    float sum = 0.0F;
    for (std::size_t m = 0; m < mels_db[t].size(); ++m) {
      sum += std::max(0.0F, mels_db[t][m] - mels_db[t - 1][m]);
    }
    strength[static_cast<std::size_t>(t + delay_frames)] =
        sum / static_cast<float>(mels_db.channels());
  }
  return strength;
}

std::vector<float> onset_strength(std::span<const float> x, int sample_rate_hz) {
  MelConfig config = *mel_profile("librosa");
  config.bank.sample_rate_hz = sample_rate_hz;
  config.bank.fmax_hz = sample_rate_hz / 2.0;
  LogMel log_mel(config);
  const std::vector<float> mels = log_mel.analyze(x);
  const auto frames = static_cast<int>(log_mel.frames(std::ssize(x)));
  return onset_strength(ConstFrames(mels.data(), frames, log_mel.mels()), config.bank.fft_size,
                        config.hop_samples);
}

}  // namespace ondes
