#include "dsp/mfcc.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/feature_rows_internal.h"
#include "dsp/spectral_kernels_internal.h"
#include "engine/error.h"

namespace ondes {
namespace {

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::usage, "MFCC: " + what);
  }
}

// librosa.feature.mfcc(y, sr): power_to_db of its mel spectrogram.
MfccConfig librosa_profile(int sample_rate_hz) {
  MfccConfig config;
  config.mel = *mel_profile("librosa");
  config.mel.bank.sample_rate_hz = sample_rate_hz;
  config.mel.bank.fmax_hz = sample_rate_hz / 2.0;
  return config;
}

// 25 ms every 10 ms in the next power of two, up to the Nyquist frequency.
void set_speech_frames(MelConfig& mel, int sample_rate_hz) {
  mel.bank.sample_rate_hz = sample_rate_hz;
  mel.bank.fmax_hz = sample_rate_hz / 2.0;
  mel.window_samples = sample_rate_hz / 40;
  mel.hop_samples = sample_rate_hz / 100;
  mel.bank.fft_size = 2;
  while (mel.bank.fft_size < mel.window_samples) {
    mel.bank.fft_size *= 2;
  }
}

MfccConfig kaldi_profile(int sample_rate_hz) {
  MfccConfig config;
  config.mel = *mel_profile("kaldi");
  config.mel.bank.mels = 23;
  set_speech_frames(config.mel, sample_rate_hz);
  config.coefficients = 13;
  config.lifter = MfccConfig::Lifter::htk;
  return config;
}

MfccConfig sptk_profile(int sample_rate_hz) {
  MfccConfig config = kaldi_profile(sample_rate_hz);
  config.mel.bank.mels = 20;
  config.mel.bank.fmin_hz = 0.0;
  config.mel.window = MelConfig::Window::symmetric_hamming;
  config.mel.magnitude = MelConfig::Magnitude::amplitude;
  config.mel.removes_dc = false;
  config.mel.floor = 1.0;
  config.scale = MfccConfig::Scale::uniform;
  return config;
}

double lifter_of(const MfccConfig& config, int n) {
  const double length = config.lifter_length;
  switch (config.lifter) {
    case MfccConfig::Lifter::none:
      return 1.0;
    case MfccConfig::Lifter::htk:
      return 1.0 + length / 2.0 * std::sin(std::numbers::pi * n / length);
    case MfccConfig::Lifter::librosa:
      return 1.0 + length / 2.0 * std::sin(std::numbers::pi * (n + 1) / length);
  }
  return 1.0;
}

std::vector<float> transform_of(const MfccConfig& config) {
  const int mels = config.mel.bank.mels;
  require(config.coefficients >= 1 && config.coefficients <= mels,
          "coefficients: expected 1.." + std::to_string(mels) + ", found " +
              std::to_string(config.coefficients));
  require(config.lifter == MfccConfig::Lifter::none || config.lifter_length > 0.0,
          "lifter length: expected more than 0, found " + std::to_string(config.lifter_length));
  std::vector<float> transform;
  const int stride = spectral::padded_to_step(config.coefficients);
  transform.reserve(static_cast<std::size_t>(mels) * static_cast<std::size_t>(stride));
  for (int m = 0; m < mels; ++m) {
    for (int n = 0; n < config.coefficients; ++n) {
      const bool halves = n == 0 && config.scale == MfccConfig::Scale::orthonormal;
      const double scale = std::sqrt((halves ? 1.0 : 2.0) / mels);
      transform.push_back(static_cast<float>(lifter_of(config, n) * scale *
                                             std::cos(std::numbers::pi * n * (m + 0.5) / mels)));
    }
    transform.resize(transform.size() + static_cast<std::size_t>(stride - config.coefficients));
  }
  return transform;
}

}  // namespace

std::optional<MfccConfig> mfcc_profile(std::string_view name, int sample_rate_hz) {
  require(sample_rate_hz >= 1000,
          "sample rate: expected at least 1000 Hz, found " + std::to_string(sample_rate_hz));
  if (name == "librosa") {
    return librosa_profile(sample_rate_hz);
  }
  if (name == "kaldi") {
    return kaldi_profile(sample_rate_hz);
  }
  if (name == "sptk") {
    return sptk_profile(sample_rate_hz);
  }
  return std::nullopt;
}

const std::vector<std::string>& mfcc_profile_names() {
  static const std::vector<std::string> names{"librosa", "kaldi", "sptk"};
  return names;
}

Mfcc::Mfcc(const MfccConfig& config)
    : config_(config), log_mel_(config.mel), transform_(transform_of(config)) {}

void Mfcc::analyze(std::span<const float> x, Frames out) {
  require_rows("MFCC", out, frames(std::ssize(x)), coefficients());
  // All of the mels first: top_db looks at the whole.
  const std::vector<float> mels = log_mel_.analyze(x);
  std::vector<float> sums(static_cast<std::size_t>(spectral::padded_to_step(coefficients())));
  const auto mel_count = static_cast<std::size_t>(log_mel_.mels());
  for (int t = 0; t < out.frames(); ++t) {
    spectral::kernels().add_rows(mels.data() + static_cast<std::size_t>(t) * mel_count, mel_count,
                                 transform_.data(), sums.size(), sums.data());
    std::copy_n(sums.begin(), out[t].size(), out[t].begin());
  }
}

std::vector<float> Mfcc::analyze(std::span<const float> x) {
  return written_rows("MFCC", frames(std::ssize(x)), coefficients(),
                      [&](Frames rows) { analyze(x, rows); });
}

}  // namespace ondes
