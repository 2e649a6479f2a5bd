// What each profile of mel-cepstral distortion is called and how it analyses.
#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "dsp/metrics/mcd_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

// ESPnet's orders; for `default` the nearest of its rates below.
int order_for_rate(int sample_rate_hz) {
  return sample_rate_hz <= 16000 ? 23 : sample_rate_hz <= 24000 ? 34 : 39;
}

// alpha_for_rate tries a thousand constants, which takes as long as analysing a second of sound;
// those of the usual rates are known.
double standard_alpha(int sample_rate_hz) {
  constexpr std::array<std::array<double, 2>, 7> kAlphas = {{{8000, 0.312},
                                                             {16000, 0.410},
                                                             {22050, 0.455},
                                                             {24000, 0.466},
                                                             {32000, 0.504},
                                                             {44100, 0.544},
                                                             {48000, 0.554}}};
  for (const auto& [rate_hz, alpha] : kAlphas) {
    if (rate_hz == sample_rate_hz) {
      return alpha;
    }
  }
  return alpha_for_rate(sample_rate_hz);
}

double espnet_alpha(int sample_rate_hz) {
  constexpr std::array<std::array<double, 2>, 5> kAlphas = {
      {{16000, 0.42}, {22050, 0.45}, {24000, 0.46}, {44100, 0.53}, {48000, 0.55}}};
  for (const auto& [rate_hz, alpha] : kAlphas) {
    if (rate_hz == sample_rate_hz) {
      return alpha;
    }
  }
  throw Error(ErrorCode::usage,
              "mel-cepstral distortion, profile espnet: expected a sample rate of 16000, 22050, "
              "24000, 44100 or 48000 Hz, found " +
                  std::to_string(sample_rate_hz));
}

}  // namespace

MelCepstrumConfig mcd_standard_config(int sample_rate_hz) {
  constexpr double kWindow_s = 0.025;
  MelCepstrumConfig config;
  config.window_samples = static_cast<int>(std::lround(kWindow_s * sample_rate_hz));
  config.hop_samples = static_cast<int>(std::lround(0.005 * sample_rate_hz));
  config.fft_size = 256;
  while (config.fft_size < config.window_samples) {
    config.fft_size *= 2;
  }
  config.order = order_for_rate(sample_rate_hz);
  config.alpha = standard_alpha(sample_rate_hz);
  config.window = SptkWindow::hamming;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-12;
  config.sptk_first_comparison = false;  // it hangs on the gain
  return config;
}

MelCepstrumConfig mcd_espnet_config(int sample_rate_hz) {
  MelCepstrumConfig config;
  config.alpha = espnet_alpha(sample_rate_hz);
  config.order = order_for_rate(sample_rate_hz);
  config.fft_size = 1024;
  config.window_samples = 1024;
  config.hop_samples = 256;
  config.window = SptkWindow::hamming;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-6;
  return config;
}

std::optional<McdProfile> mcd_profile(std::string_view name) {
  const std::vector<std::string>& names = mcd_profile_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<McdProfile>(found - names.begin());
}

const std::string& mcd_profile_name(McdProfile profile) {
  return mcd_profile_names()[static_cast<std::size_t>(profile)];
}

// In the order of McdProfile.
const std::vector<std::string>& mcd_profile_names() {
  static const std::vector<std::string> names = {"default", "espnet", "versa", "pymcd", "kubichek"};
  return names;
}

bool mcd_profile_needs_envelopes(McdProfile profile) {
  return profile == McdProfile::versa || profile == McdProfile::pymcd;
}

std::string mcd_parameters(int sample_rate_hz, const McdOptions& options) {
  std::ostringstream out;
  out << "profile " << mcd_profile_name(options.profile) << "; ";
  if (sample_rate_hz == 0 && !mcd_profile_needs_envelopes(options.profile)) {
    out << "imported cepstra, analysed elsewhere; ";
  }
  const auto analysis = [&](const auto& config_of, const char* epsilon_of) {
    if (sample_rate_hz == 0) {
      return;
    }
    const MelCepstrumConfig c = config_of(sample_rate_hz);
    out << "mcep order " << c.order << " alpha " << c.alpha << " fft " << c.fft_size << " hamming "
        << c.window_samples << " hop " << c.hop_samples << " eps " << c.epsilon << epsilon_of;
  };
  switch (options.profile) {
    case McdProfile::standard:
      analysis(mcd_standard_config, " of the louder mean square; ");
      out << "c0 out; ";
      if (options.compensate_delay && sample_rate_hz != 0) {
        out << "integer delay up to " << options.max_delay_s << " s taken out; ";
      }
      out << (options.aligned ? "exact dtw" : "synchronous");
      if (options.aligned && options.band_frames > 0) {
        out << " within " << options.band_frames << " frames";
      }
      break;
    case McdProfile::espnet:
      analysis(mcd_espnet_config, " of int16; ");
      out << "c0 in; " << (options.aligned ? "fastdtw radius 1" : "synchronous");
      break;
    case McdProfile::versa:
      out << "WORLD envelopes, sp2mc order 39 alpha 0.466; c0 in; "
          << (options.aligned ? "frames above -20 dB, fastdtw radius 1" : "synchronous");
      break;
    case McdProfile::pymcd:
      out << "WORLD envelopes as amplitudes, order 13 alpha 0.65 eps 1e-08; c0 in the cost; "
          << (options.aligned ? "fastdtw radius 1 without c0" : "synchronous");
      break;
    case McdProfile::kubichek:
      out << "log10 of 20 mel bands, 32 ms hann, hop 8 ms, cosines 2..16, no factor; "
          << (options.aligned ? "fastdtw radius 10 of the bands" : "synchronous");
      break;
  }
  return out.str();
}

}  // namespace ondes
