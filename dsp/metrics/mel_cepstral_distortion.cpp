#include "dsp/metrics/mel_cepstral_distortion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <string>

#include "dsp/mel_cepstrum.h"
#include "dsp/metrics/delay.h"
#include "dsp/metrics/finite_internal.h"
#include "dsp/metrics/long_pair_internal.h"
#include "dsp/metrics/mcd_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr double kEnvelopeHop_s = 0.005;
constexpr double kVersaGateDb = -20.0;

McdRules rules_of(const McdOptions& options) {
  McdRules rules;
  switch (options.profile) {
    case McdProfile::standard:
      rules.band_frames = options.band_frames;
      break;
    case McdProfile::espnet:
    case McdProfile::versa:
      rules.first_cost_column = 0;
      rules.first_alignment_column = 0;
      rules.alignment = McdRules::Alignment::fast_generated_first;
      break;
    case McdProfile::pymcd:
      rules.first_cost_column = 0;
      rules.alignment = McdRules::Alignment::fast;
      break;
    case McdProfile::kubichek:
      rules.first_cost_column = MelBandCepstra::kFirst;
      rules.last_cost_column = MelBandCepstra::kLast;
      rules.first_alignment_column = 0;
      rules.alignment = McdRules::Alignment::fast;
      rules.radius = 10;
      rules.scale_db = 1.0;
      break;
  }
  return rules;
}

void none_of(const std::string& why, MelCepstralDistortion& result) {
  result.value_db = Measured::none(why);
  result.dtw_db = Measured::none(why);
  result.synchronous_db = Measured::none(why);
}

void count_frames(const McdFeatures& features, MelCepstralDistortion& result) {
  result.reference_frames = features.reference.frames();
  result.generated_frames = features.generated.frames();
  const auto [least, most] = std::minmax(result.reference_frames, result.generated_frames);
  if (least > 0) {
    result.length_ratio = static_cast<double>(most) / static_cast<double>(least);
  }
}

// Both ways of one set of features; or reasons, where a side has no frame.
void compare(const McdFeatures& alignment,
             const McdFeatures& cost,
             const McdOptions& options,
             MelCepstralDistortion& result) {
  count_frames(cost, result);
  if (std::min(result.reference_frames, result.generated_frames) < 1) {
    none_of("shorter than one analysis window: " + std::to_string(result.reference_frames) +
                " frames of the reference, " + std::to_string(result.generated_frames) +
                " of the generated sound",
            result);
    return;
  }
  McdRules rules = rules_of(options);
  if (rules.alignment == McdRules::Alignment::exact && rules.band_frames == 0) {
    // Of imported cepstra the hop is not known: 5 ms, as everywhere.
    rules.band_frames = long_pair_band_frames(result.reference_frames, result.generated_frames,
                                              result.hop_s > 0.0 ? result.hop_s : kEnvelopeHop_s);
    if (rules.band_frames > 0) {
      result.parameters += " within " + std::to_string(rules.band_frames) + " frames: a long pair";
    }
  }
  compare_synchronous(cost, rules, result);
  compare_aligned(alignment, cost, rules, result);
  result.value_db = options.aligned ? result.dtw_db : result.synchronous_db;
}

struct Cepstra {
  int coefficients = 0;
  std::vector<float> values;
  ConstFrames view() const {
    return {values.data(), static_cast<int>(values.size()) / std::max(1, coefficients),
            coefficients};
  }
};

Cepstra analyze(MelCepstrum& analysis, std::span<const float> x) {
  return {analysis.coefficients(), analysis.analyze(x)};
}

double mean_square(std::span<const float> x) {
  double sum = 0.0;
  for (const float value : x) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return x.empty() ? 0.0 : sum / static_cast<double>(x.size());
}

void compare_standard(std::span<const float> reference,
                      std::span<const float> generated,
                      int sample_rate_hz,
                      const McdOptions& options,
                      MelCepstralDistortion& result) {
  if (options.compensate_delay) {
    const Delay delay =
        estimate_delay(reference, generated, std::llround(options.max_delay_s * sample_rate_hz));
    result.delay_samples = delay.samples;
    result.delay_correlation = delay.correlation;
    const auto late = static_cast<std::size_t>(std::abs(delay.samples));
    if (delay.samples > 0) {
      generated = generated.subspan(std::min(late, generated.size()));
    } else {
      reference = reference.subspan(std::min(late, reference.size()));
    }
  }
  MelCepstrumConfig config = mcd_standard_config(sample_rate_hz);
  // The epsilon is set against the louder recording: samples are scaled to its mean square 1.
  const double power = std::max(mean_square(reference), mean_square(generated));
  config.sample_scale = power > 0.0 ? 1.0 / std::sqrt(power) : 1.0;
  MelCepstrum analysis(config);
  const Cepstra a = analyze(analysis, reference);
  const Cepstra b = analyze(analysis, generated);
  const McdFeatures features{a.view(), b.view()};
  result.hop_s = static_cast<double>(config.hop_samples) / sample_rate_hz;
  compare(features, features, options, result);
}

// The tool reads int16, whatever the file holds.
std::vector<float> as_int16(std::span<const float> x) {
  std::vector<float> y(x.size());
  for (std::size_t n = 0; n < x.size(); ++n) {
    y[n] = std::clamp(std::nearbyint(x[n] * 32768.0F), -32768.0F, 32767.0F);
  }
  return y;
}

void compare_espnet(std::span<const float> reference,
                    std::span<const float> generated,
                    int sample_rate_hz,
                    const McdOptions& options,
                    MelCepstralDistortion& result) {
  const MelCepstrumConfig config = mcd_espnet_config(sample_rate_hz);
  MelCepstrum analysis(config);
  const Cepstra a = analyze(analysis, as_int16(reference));
  const Cepstra b = analyze(analysis, as_int16(generated));
  const McdFeatures features{a.view(), b.view()};
  result.hop_s = static_cast<double>(config.hop_samples) / sample_rate_hz;
  compare(features, features, options, result);
}

void compare_kubichek(std::span<const float> reference,
                      std::span<const float> generated,
                      int sample_rate_hz,
                      const McdOptions& options,
                      MelCepstralDistortion& result) {
  const MelBandCepstra a = mel_band_cepstra(reference, sample_rate_hz);
  const MelBandCepstra b = mel_band_cepstra(generated, sample_rate_hz);
  result.hop_s = static_cast<double>(a.hop_samples) / sample_rate_hz;
  // The tool warps the log bands and then takes the cosines: the same as cosines taken before.
  compare({a.bands_view(), b.bands_view()}, {a.cepstra_view(), b.cepstra_view()}, options, result);
}

Cepstra cepstra_of_envelopes(ConstFrames envelopes, McdProfile profile) {
  const bool versa = profile == McdProfile::versa;
  MelCepstrumConfig config;
  config.order = versa ? 39 : 13;
  config.alpha = versa ? 0.466 : 0.65;
  config.fft_size = 2 * (envelopes.channels() - 1);
  config.window_samples = config.fft_size;
  config.max_iterations = 0;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-8;  // pymcd's
  Cepstra result{config.order + 1, {}};
  result.values.resize(static_cast<std::size_t>(envelopes.frames()) *
                       static_cast<std::size_t>(result.coefficients));
  MelCepstrum analysis(config);
  std::vector<double> power(static_cast<std::size_t>(envelopes.channels()));
  std::vector<double> cepstrum(static_cast<std::size_t>(result.coefficients));
  for (int t = 0; t < envelopes.frames(); ++t) {
    for (std::size_t k = 0; k < power.size(); ++k) {
      const auto value = static_cast<double>(envelopes[t][k]);
      if (!(value > 0.0)) {
        throw Error(ErrorCode::bad_input, "mel-cepstral distortion: envelope, frame " +
                                              std::to_string(t) + ", bin " + std::to_string(k) +
                                              ": expected a power above 0, found " +
                                              std::to_string(value));
      }
      power[k] = versa ? value : value * value;  // pymcd hands the power over as an amplitude
    }
    if (versa) {
      sp2mc(power, config.alpha, cepstrum);
    } else {
      analysis.analyze_power(power, cepstrum);
    }
    std::transform(cepstrum.begin(), cepstrum.end(),
                   result.values.begin() + static_cast<std::ptrdiff_t>(t) * result.coefficients,
                   [](double value) { return static_cast<float>(value); });
  }
  return result;
}

// VERSA's gate: frames above -20 dB of the mean frame power.
Cepstra gated(const Cepstra& cepstra, ConstFrames envelopes) {
  std::vector<double> power(static_cast<std::size_t>(envelopes.frames()), 0.0);
  double mean = 0.0;
  for (int t = 0; t < envelopes.frames(); ++t) {
    const std::span<const float> frame = envelopes[t];
    double sum = static_cast<double>(frame.front()) + static_cast<double>(frame.back());
    for (std::size_t k = 1; k + 1 < frame.size(); ++k) {
      sum += 2.0 * static_cast<double>(frame[k]);
    }
    power[static_cast<std::size_t>(t)] = sum;
    mean += sum / static_cast<double>(envelopes.frames());
  }
  Cepstra kept{cepstra.coefficients, {}};
  for (int t = 0; t < envelopes.frames(); ++t) {
    if (10.0 * std::log10(power[static_cast<std::size_t>(t)] / mean) > kVersaGateDb) {
      const std::span<const float> frame = cepstra.view()[t];
      kept.values.insert(kept.values.end(), frame.begin(), frame.end());
    }
  }
  return kept;
}

void require_rate(int sample_rate_hz) {
  if (sample_rate_hz < 4000 || sample_rate_hz > 400000) {
    throw Error(ErrorCode::usage,
                "mel-cepstral distortion: expected a sample rate of 4000 to 400000 Hz, found " +
                    std::to_string(sample_rate_hz));
  }
}

}  // namespace

MelCepstralDistortion mel_cepstral_distortion(std::span<const float> reference,
                                              std::span<const float> generated,
                                              int sample_rate_hz,
                                              const McdOptions& options) {
  require_rate(sample_rate_hz);
  require_sounds(reference, generated, "mel-cepstral distortion");
  MelCepstralDistortion result;
  result.parameters = mcd_parameters(sample_rate_hz, options);
  switch (options.profile) {
    case McdProfile::standard:
      compare_standard(reference, generated, sample_rate_hz, options, result);
      break;
    case McdProfile::espnet:
      compare_espnet(reference, generated, sample_rate_hz, options, result);
      break;
    case McdProfile::kubichek:
      compare_kubichek(reference, generated, sample_rate_hz, options, result);
      break;
    case McdProfile::versa:
    case McdProfile::pymcd:
      throw Error(ErrorCode::usage, "mel-cepstral distortion: profile " +
                                        mcd_profile_name(options.profile) +
                                        " needs spectral envelopes of WORLD, found recordings");
  }
  return result;
}

MelCepstralDistortion mel_cepstral_distortion_of_envelopes(ConstFrames reference,
                                                           ConstFrames generated,
                                                           const McdOptions& options) {
  if (!mcd_profile_needs_envelopes(options.profile)) {
    throw Error(ErrorCode::usage, "mel-cepstral distortion: profile " +
                                      mcd_profile_name(options.profile) +
                                      " analyses recordings; only versa and pymcd take envelopes");
  }
  if (reference.channels() != generated.channels() || reference.channels() < 2) {
    throw Error(
        ErrorCode::usage,
        "mel-cepstral distortion: expected envelopes of one number of bins above 1, found " +
            std::to_string(reference.channels()) + " and " + std::to_string(generated.channels()));
  }
  require_finite(reference, "mel-cepstral distortion", "reference envelope");
  require_finite(generated, "mel-cepstral distortion", "generated envelope");
  MelCepstralDistortion result;
  result.parameters = mcd_parameters(0, options);
  result.hop_s = kEnvelopeHop_s;
  const Cepstra a = cepstra_of_envelopes(reference, options.profile);
  const Cepstra b = cepstra_of_envelopes(generated, options.profile);
  const McdFeatures features{a.view(), b.view()};
  if (options.profile != McdProfile::versa) {
    compare(features, features, options, result);
    return result;
  }
  // Two different sets of frames: all of them in step, the sounding ones aligned.
  const Cepstra a_sounding = gated(a, reference);
  const Cepstra b_sounding = gated(b, generated);
  const McdFeatures sounding{a_sounding.view(), b_sounding.view()};
  compare(sounding, sounding, options, result);
  count_frames(features, result);
  if (result.dtw_db.value) {
    compare_synchronous(features, rules_of(options), result);
    result.value_db = options.aligned ? result.dtw_db : result.synchronous_db;
  }
  return result;
}

MelCepstralDistortion mel_cepstral_distortion_of_cepstra(ConstFrames reference,
                                                         ConstFrames generated,
                                                         const McdOptions& options) {
  if (options.profile == McdProfile::kubichek) {
    throw Error(ErrorCode::usage,
                "mel-cepstral distortion: profile kubichek is made of mel bands, not mel-cepstra");
  }
  if (reference.channels() != generated.channels() || reference.channels() < 2) {
    throw Error(ErrorCode::usage,
                "mel-cepstral distortion: expected cepstra of one order above 0, found " +
                    std::to_string(reference.channels()) + " and " +
                    std::to_string(generated.channels()) + " coefficients");
  }
  require_finite(reference, "mel-cepstral distortion", "reference cepstrum");
  require_finite(generated, "mel-cepstral distortion", "generated cepstrum");
  MelCepstralDistortion result;
  result.parameters = mcd_parameters(0, options);
  const McdFeatures features{reference, generated};
  compare(features, features, options, result);
  return result;
}

}  // namespace ondes
