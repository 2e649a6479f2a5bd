// The analyses that published vocoders were trained with, and two that features are compared with.
#include <array>

#include "dsp/log_mel.h"

namespace ondes {
namespace {

using Scale = MelBankConfig::Scale;
using Norm = MelBankConfig::Norm;
using Window = MelConfig::Window;
using Magnitude = MelConfig::Magnitude;
using Log = MelConfig::Log;
using Padding = MelConfig::Padding;

struct Profile {
  const char* name;
  MelConfig config;
};

// jik876/hifi-gan meldataset.py, config_v1..3.json
constexpr MelConfig kHifigan{
    .bank = {.sample_rate_hz = 22050,
             .fft_size = 1024,
             .mels = 80,
             .fmin_hz = 0.0,
             .fmax_hz = 8000.0,
             .scale = Scale::slaney,
             .norm = Norm::slaney},
    .hop_samples = 256,
    .window_samples = 1024,
    .window = Window::hann,
    .magnitude = Magnitude::amplitude,
    .magnitude_epsilon = 1e-9,
    .log = Log::natural,
    .floor = 1e-5,
    .padding = Padding::reflect_hop,
};

// NVIDIA/BigVGAN, bigvgan_v2_24khz_100band_256x: HiFi-GAN's recipe up to the Nyquist frequency.
constexpr MelConfig bigvgan() {
  MelConfig config = kHifigan;
  config.bank.sample_rate_hz = 24000;
  config.bank.mels = 100;
  config.bank.fmax_hz = 12000.0;
  return config;
}

// NVIDIA/tacotron2 layers.py TacotronSTFT (and WaveGlow)
constexpr MelConfig tacotron2() {
  MelConfig config = kHifigan;
  config.magnitude_epsilon = 0.0;
  config.padding = Padding::centre_reflect;
  return config;
}

// kan-bayashi/ParallelWaveGAN bin/preprocess.py logmelfilterbank, the LJSpeech recipes
constexpr MelConfig pwg() {
  MelConfig config = tacotron2();
  config.bank.fmin_hz = 80.0;
  config.bank.fmax_hz = 7600.0;
  config.log = Log::decimal;
  config.floor = 1e-10;
  return config;
}

// gemelo-ai/vocos feature_extractors.py MelSpectrogramFeatures, mel-24khz
constexpr MelConfig vocos() {
  MelConfig config = bigvgan();
  config.bank.scale = Scale::htk;
  config.bank.norm = Norm::none;
  config.magnitude_epsilon = 0.0;
  config.floor = 1e-7;
  config.padding = Padding::centre_reflect;
  return config;
}

// librosa.power_to_db(librosa.feature.melspectrogram(y=x, sr=22050))
constexpr MelConfig librosa() {
  MelConfig config = kHifigan;
  config.bank.fft_size = 2048;
  config.bank.mels = 128;
  config.bank.fmax_hz = 11025.0;
  config.hop_samples = 512;
  config.window_samples = 2048;
  config.magnitude = Magnitude::power;
  config.magnitude_epsilon = 0.0;
  config.log = Log::decibel;
  config.floor = 1e-10;
  config.padding = Padding::centre_zero;
  config.top_db = 80.0;
  return config;
}

// Kaldi's compute-fbank-feats at 16 kHz with 80 bands and without dither; 25 and 10 ms.
constexpr MelConfig kaldi() {
  MelConfig config = kHifigan;
  config.bank = {.sample_rate_hz = 16000,
                 .fft_size = 512,
                 .mels = 80,
                 .fmin_hz = 20.0,
                 .fmax_hz = 8000.0,
                 .scale = Scale::kaldi,
                 .norm = Norm::none};
  config.hop_samples = 160;
  config.window_samples = 400;
  config.window = Window::povey;
  config.magnitude = Magnitude::power;
  config.magnitude_epsilon = 0.0;
  config.floor = 0x1p-23;  // FLT_EPSILON
  config.padding = Padding::none;
  config.pre_emphasis = 0.97;
  config.removes_dc = true;
  config.sample_scale = 32768.0;
  return config;
}

const std::array<Profile, 7>& profiles() {
  static const std::array<Profile, 7> table{{{"hifigan", kHifigan},
                                             {"bigvgan", bigvgan()},
                                             {"tacotron2", tacotron2()},
                                             {"pwg", pwg()},
                                             {"vocos", vocos()},
                                             {"librosa", librosa()},
                                             {"kaldi", kaldi()}}};
  return table;
}

}  // namespace

std::optional<MelConfig> mel_profile(std::string_view name) {
  for (const Profile& profile : profiles()) {
    if (profile.name == name) {
      return profile.config;
    }
  }
  return std::nullopt;
}

const std::vector<std::string>& mel_profile_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Profile& profile : profiles()) {
      all.emplace_back(profile.name);
    }
    return all;
  }();
  return names;
}

}  // namespace ondes
