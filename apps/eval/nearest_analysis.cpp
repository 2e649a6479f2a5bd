#include "apps/eval/nearest_analysis.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>

#include "dsp/chroma.h"
#include "dsp/dtw.h"
#include "dsp/fft.h"
#include "dsp/mfcc.h"
#include "dsp/subsequence_dtw.h"

namespace ondes {
namespace {

constexpr int kFftSize = 1024;
constexpr double kSilenceBelowLoudest = 1e-6;  // of power
constexpr double kFlatWindowHz = 200.0;
constexpr double kFlatFloor = 1e-3;  // of power
constexpr double kLeastEnergy = 0.8;

MfccConfig mfcc_config() {
  MfccConfig config = *mfcc_profile("librosa", kFingerprintRateHz);
  config.mel.bank.fft_size = kFftSize;
  config.mel.bank.mels = 40;
  config.mel.window_samples = kFftSize;
  config.mel.hop_samples = kSearchHopSamples;
  config.coefficients = kSearchCepstra + 1;
  return config;
}

struct Range {
  int first = 0;
  int last = -1;  // inclusive
};

// Of the frames centred on t hops, those that sound; none for silence.
Range sounding_frames(std::span<const float> x, int frames) {
  std::vector<double> powers(static_cast<std::size_t>(frames));
  for (int t = 0; t < frames; ++t) {
    const std::int64_t centre = static_cast<std::int64_t>(t) * kSearchHopSamples;
    const auto begin = static_cast<std::size_t>(std::max<std::int64_t>(0, centre - kFftSize / 2));
    const auto end = std::min(x.size(), static_cast<std::size_t>(centre + kFftSize / 2));
    for (std::size_t n = begin; n < end; ++n) {
      powers[static_cast<std::size_t>(t)] += static_cast<double>(x[n]) * static_cast<double>(x[n]);
    }
  }
  const double loudest = *std::max_element(powers.begin(), powers.end());
  if (!(loudest > 0.0)) {
    return {};
  }
  const auto sounds = [&](double power) { return power >= loudest * kSilenceBelowLoudest; };
  const auto first = std::find_if(powers.begin(), powers.end(), sounds) - powers.begin();
  const auto last = std::find_if(powers.rbegin(), powers.rend(), sounds).base() - powers.begin();
  return {static_cast<int>(first), static_cast<int>(last) - 1};
}

double seconds(int frame) {
  return static_cast<double>(frame) * kSearchHopSamples / kFingerprintRateHz;
}

int frame_at(double at_s) {
  return static_cast<int>(std::lround(at_s * kFingerprintRateHz / kSearchHopSamples));
}

// Power of every bin's neighbourhood of kFlatWindowHz.
std::vector<double> smoothed_power(std::span<const std::complex<float>> spectrum, int fft_size) {
  std::vector<double> sums(spectrum.size() + 1);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    sums[k + 1] = sums[k] + static_cast<double>(std::norm(spectrum[k]));
  }
  const auto half =
      static_cast<std::size_t>(0.5 * kFlatWindowHz * fft_size / kFingerprintRateHz) + 1;
  std::vector<double> power(spectrum.size());
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const std::size_t begin = k > half ? k - half : 0;
    const std::size_t end = std::min(spectrum.size(), k + half + 1);
    power[k] = (sums[end] - sums[begin]) / static_cast<double>(end - begin);
  }
  return power;
}

std::vector<std::complex<float>> spectrum_of(RealFft& fft, std::span<const float> x) {
  std::fill(fft.input().begin(), fft.input().end(), 0.0F);
  std::copy(x.begin(), x.end(), fft.input().begin());
  fft.transform();
  return {fft.output().begin(), fft.output().end()};
}

std::vector<float> signal_of(InverseRealFft& fft, std::span<const std::complex<float>> spectrum) {
  std::copy(spectrum.begin(), spectrum.end(), fft.input().begin());
  fft.transform();
  return {fft.output().begin(), fft.output().end()};
}

// energy[n]: of the first n samples.
std::vector<double> energies(std::span<const float> x) {
  std::vector<double> energy(x.size() + 1);
  for (std::size_t n = 0; n < x.size(); ++n) {
    energy[n + 1] = energy[n] + static_cast<double>(x[n]) * static_cast<double>(x[n]);
  }
  return energy;
}

}  // namespace

SearchFeatures search_features(std::span<const float> x) {
  SearchFeatures features;
  features.samples = std::ssize(x);
  if (x.empty()) {
    return features;
  }
  features.landmarks = spectral_landmarks(x);
  Mfcc mfcc(mfcc_config());
  Chroma chroma({.sample_rate_hz = kFingerprintRateHz,
                 .fft_size = 2 * kFftSize,
                 .hop_samples = kSearchHopSamples});
  const int frames =
      static_cast<int>(std::min(mfcc.frames(std::ssize(x)), chroma.frames(std::ssize(x))));
  const std::vector<float> cepstra = mfcc.analyze(x);
  const std::vector<float> classes = chroma.analyze(x);
  const Range sounding = sounding_frames(x, frames);
  features.first_frame = sounding.first;
  for (int t = sounding.first; t <= sounding.last; ++t) {
    const float* const c = &cepstra[static_cast<std::size_t>(t * (kSearchCepstra + 1))];
    features.values.insert(features.values.end(), c + 1, c + 1 + kSearchCepstra);
    const float* const y = &classes[static_cast<std::size_t>(t * kSearchChroma)];
    float power = 0.0F;
    for (int k = 0; k < kSearchChroma; ++k) {
      power += y[k] * y[k];
    }
    const float scale = power > 0.0F ? 1.0F / std::sqrt(power) : 0.0F;
    for (int k = 0; k < kSearchChroma; ++k) {
      features.values.push_back(scale * y[k]);
    }
  }
  return features;
}

CepstralScale cepstral_scale(std::span<const SearchFeatures> corpus) {
  std::array<double, kSearchCepstra> sums{};
  std::array<double, kSearchCepstra> squares{};
  double count = 0.0;
  for (const SearchFeatures& features : corpus) {
    for (int t = 0; t < features.frames(); ++t) {
      for (std::size_t k = 0; k < kSearchCepstra; ++k) {
        const double value = static_cast<double>(features.view()[t][k]);
        sums[k] += value;
        squares[k] += value * value;
      }
      count += 1.0;
    }
  }
  CepstralScale scale{};
  for (std::size_t k = 0; k < kSearchCepstra && count > 0.0; ++k) {
    const double variance = squares[k] / count - (sums[k] / count) * (sums[k] / count);
    // A corpus of one steady tone has next to no deviation: 1 dB keeps its scale sane.
    scale[k] = static_cast<float>(1.0 / std::sqrt(kSearchCepstra * std::max(1.0, variance)));
  }
  return scale;
}

void scale_cepstra(const CepstralScale& scale, SearchFeatures& features) {
  for (std::size_t at = 0; at < features.values.size(); at += kSearchColumns) {
    for (std::size_t k = 0; k < kSearchCepstra; ++k) {
      features.values[at + k] *= scale[k];
    }
  }
}

SearchAlignment align(const SearchFeatures& sound, const SearchFeatures& clip) {
  const bool sound_is_shorter = sound.frames() <= clip.frames();
  const SearchFeatures& shorter = sound_is_shorter ? sound : clip;
  const SearchFeatures& longer = sound_is_shorter ? clip : sound;
  const SubsequenceMatch match = subsequence_dtw(shorter.view(), longer.view());
  const double whole_from = seconds(shorter.first_frame);
  const double whole_to = seconds(shorter.first_frame + shorter.frames());
  const double part_from = seconds(longer.first_frame + match.first_frame);
  const double part_to = seconds(longer.first_frame + match.last_frame + 1);
  return sound_is_shorter
             ? SearchAlignment{match.mean_cost, whole_from, whole_to, part_from, part_to}
             : SearchAlignment{match.mean_cost, part_from, part_to, whole_from, whole_to};
}

SearchDistances distances(const SearchFeatures& sound,
                          const SearchFeatures& clip,
                          const SearchAlignment& place) {
  const auto piece = [](const SearchFeatures& features, double from_s, double to_s) {
    const int first = frame_at(from_s) - features.first_frame;
    const int last = frame_at(to_s) - features.first_frame;
    return ConstFrames(&features.values[static_cast<std::size_t>(first * kSearchColumns)],
                       last - first, kSearchColumns);
  };
  const ConstFrames a = piece(sound, place.from_s, place.to_s);
  const ConstFrames b = piece(clip, place.clip_from_s, place.clip_to_s);
  const DtwAlignment alignment = dtw(a, b);
  SearchDistances sums;
  for (const DtwStep& step : alignment.path) {
    double squared = 0.0;
    for (std::size_t k = 0; k < kSearchCepstra; ++k) {
      const double difference = static_cast<double>(a[step.a][k] - b[step.b][k]);
      squared += difference * difference;
    }
    double cosine = 0.0;
    for (std::size_t k = kSearchCepstra; k < kSearchColumns; ++k) {
      cosine += static_cast<double>(a[step.a][k]) * static_cast<double>(b[step.b][k]);
    }
    sums.mfcc_sd += std::sqrt(squared);
    sums.chroma += 1.0 - cosine;
  }
  const auto steps = static_cast<double>(alignment.path.size());
  return {sums.mfcc_sd / steps, sums.chroma / steps};
}

WaveformMatch waveform_match(std::span<const float> sound, std::span<const float> clip) {
  WaveformMatch best;
  if (sound.empty() || clip.empty()) {
    return best;
  }
  const int size = static_cast<int>(std::bit_ceil(sound.size() + clip.size()));
  RealFft forward(size);
  InverseRealFft inverse(size);
  std::vector<std::complex<float>> a = spectrum_of(forward, sound);
  std::vector<std::complex<float>> b = spectrum_of(forward, clip);
  const std::vector<double> power = smoothed_power(b, size);
  const double floor = kFlatFloor * *std::max_element(power.begin(), power.end());
  if (!(floor > 0.0)) {
    return best;
  }
  for (std::size_t k = 0; k < a.size(); ++k) {
    const auto weight = static_cast<float>(1.0 / std::sqrt(power[k] + floor));
    a[k] *= weight;
    b[k] *= weight;
  }
  // What the filter smears past the ends is cut off, or correlations could exceed 1.
  std::vector<float> flat_sound = signal_of(inverse, a);
  std::vector<float> flat_clip = signal_of(inverse, b);
  flat_sound.resize(sound.size());
  flat_clip.resize(clip.size());
  const std::vector<double> sound_energy = energies(flat_sound);
  const std::vector<double> clip_energy = energies(flat_clip);
  a = spectrum_of(forward, flat_sound);
  b = spectrum_of(forward, flat_clip);
  for (std::size_t k = 0; k < a.size(); ++k) {
    a[k] *= std::conj(b[k]);
  }
  const std::vector<float> products = signal_of(inverse, a);
  const auto sounds = std::ssize(sound);
  const auto clips = std::ssize(clip);
  const std::int64_t overlap = (std::min(sounds, clips) + 1) / 2;
  for (std::int64_t lag = overlap - clips; lag <= sounds - overlap; ++lag) {
    const std::int64_t begin = std::max<std::int64_t>(0, lag);
    const std::int64_t end = std::min(sounds, clips + lag);
    const auto energy = [](const std::vector<double>& sums, std::int64_t first, std::int64_t last) {
      return sums[static_cast<std::size_t>(last)] - sums[static_cast<std::size_t>(first)];
    };
    const double of_both =
        energy(sound_energy, begin, end) * energy(clip_energy, begin - lag, end - lag);
    const double product =
        static_cast<double>(products[static_cast<std::size_t>(lag < 0 ? lag + size : lag)]);
    // Two ends of decaying tones fit at some lag, whatever they are of: attacks must take part.
    const double taking_part =
        sounds <= clips ? energy(sound_energy, begin, end) / sound_energy.back()
                        : energy(clip_energy, begin - lag, end - lag) / clip_energy.back();
    if (taking_part >= kLeastEnergy && of_both > 0.0 &&
        std::abs(product) > best.correlation * std::sqrt(of_both)) {
      best = {std::abs(product) / std::sqrt(of_both), lag};
    }
  }
  return best;
}

}  // namespace ondes
