#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "dsp/multi_pitch_internal.h"
#include "dsp/stft.h"

namespace ondes::note_internal {

namespace {

constexpr double kWindowS = 0.093;
constexpr int kMaxPartials = 20;
constexpr double kHighestHz = 8000.0;
constexpr double kStepsPerOctave = 120.0;  // 1/10 semitone
constexpr double kWhitening = 0.33;        // exponent that is left of a band's level
// Klapuri's weights for a window of 93 ms.
constexpr double kAlphaHz = 52.0;
constexpr double kBetaHz = 320.0;
// Half of what a candidate can be off, at its partial's frequency, and a little more.
constexpr double kPartialTolerance = 0.004;
constexpr int kBands = 30;

int power_of_two_from(int least) {
  int size = 1;
  while (size < least) {
    size *= 2;
  }
  return size;
}

// Magnitude of a Hann window's transform, 1 at its centre; `offset` in bins of its own length.
double hann_lobe(double offset) {
  const double x = std::abs(offset);
  if (x < 1e-6) {
    return 1.0;
  }
  if (std::abs(x - 1.0) < 1e-6) {
    return 0.5;
  }
  const double angle = std::numbers::pi * x;
  return std::abs(std::sin(angle) / angle / (1.0 - x * x));
}

}  // namespace

MultiPitch::MultiPitch(double sample_rate_hz, const MultiPitchOptions& options)
    : sample_rate_hz_(sample_rate_hz),
      options_(options),
      window_samples_(2 * static_cast<int>(std::lround(0.5 * kWindowS * sample_rate_hz))),
      fft_(power_of_two_from(2 * window_samples_)),
      bin_hz_(sample_rate_hz / fft_.size()),
      bins_per_lobe_unit_(static_cast<double>(fft_.size()) / window_samples_),
      full_scale_(4.0 / window_samples_),
      window_(periodic_hann(window_samples_)) {
  const auto bins = static_cast<std::size_t>(fft_.bins());
  magnitude_.assign(bins, 0.0F);
  gain_.assign(bins, 1.0F);
  residual_.assign(bins, 0.0F);
  for (int b = 1; b <= kBands; ++b) {
    band_hz_.push_back(229.0 * (std::pow(10.0, (b + 1) / 21.4) - 1.0));
  }
  const double top_hz = std::min(kHighestHz, 0.45 * sample_rate_hz);
  const int steps =
      static_cast<int>(std::floor(kStepsPerOctave * std::log2(options.max_hz / options.min_hz)));
  for (int i = 0; i <= steps; ++i) {
    const double hz = options.min_hz * std::exp2(i / kStepsPerOctave);
    Candidate candidate{hz, partials_.size(), 0};
    for (int h = 1; h <= kMaxPartials && h * hz < top_hz; ++h) {
      const double centre = h * hz / bin_hz_;
      const double reach = kPartialTolerance * centre + 0.5;
      partials_.push_back({std::max(1, static_cast<int>(std::floor(centre - reach))),
                           std::min(fft_.bins() - 2, static_cast<int>(std::ceil(centre + reach))),
                           static_cast<float>((hz + kAlphaHz) / (h * hz + kBetaHz))});
      ++candidate.partials;
    }
    candidates_.push_back(candidate);
  }
}

double MultiPitch::analyse(std::span<const float> x, std::int64_t centre_sample) {
  const auto input = fft_.input();
  std::fill(input.begin(), input.end(), 0.0F);
  const std::int64_t first = centre_sample - window_samples_ / 2;
  const std::int64_t from = std::max<std::int64_t>(first, 0);
  const std::int64_t to = std::min<std::int64_t>(first + window_samples_, std::ssize(x));
  for (std::int64_t n = from; n < to; ++n) {
    const auto at = static_cast<std::size_t>(n - first);
    input[at] = x[static_cast<std::size_t>(n)] * window_[at];
  }
  fft_.transform();
  double sum = 0.0;
  for (std::size_t k = 0; k < magnitude_.size(); ++k) {
    magnitude_[k] = static_cast<float>(full_scale_) * std::abs(fft_.output()[k]);
    sum += static_cast<double>(magnitude_[k]) * static_cast<double>(magnitude_[k]);
  }
  return sum;
}

// Y = X / (level of the band)^(1 - kWhitening): a bright and a dull instrument then look alike.
void MultiPitch::whiten(double floor) {
  std::array<double, kBands> gains{};
  for (int b = 0; b < kBands; ++b) {
    const auto at = static_cast<std::size_t>(b);
    const double low = b == 0 ? 0.0 : band_hz_[at - 1];
    const double high = b + 1 == kBands ? band_hz_[at] * 1.2 : band_hz_[at + 1];
    const int from = std::max(1, static_cast<int>(low / bin_hz_));
    const int to = std::min(fft_.bins() - 1, static_cast<int>(high / bin_hz_));
    double sum = 0.0;
    for (int k = from; k <= to; ++k) {
      const auto value = static_cast<double>(magnitude_[static_cast<std::size_t>(k)]);
      sum += value * value;
    }
    const double level = std::sqrt(sum / std::max(1, to - from + 1));
    gains[at] = std::pow(std::max(level, floor), kWhitening - 1.0);
  }
  std::size_t band = 0;
  for (std::size_t k = 0; k < gain_.size(); ++k) {
    const double hz = static_cast<double>(k) * bin_hz_;
    while (band + 2 < kBands && hz > band_hz_[band + 1]) {
      ++band;
    }
    const double share =
        std::clamp((hz - band_hz_[band]) / (band_hz_[band + 1] - band_hz_[band]), 0.0, 1.0);
    gain_[k] = static_cast<float>(gains[band] + share * (gains[band + 1] - gains[band]));
    residual_[k] = magnitude_[k] > static_cast<float>(floor) ? gain_[k] * magnitude_[k] : 0.0F;
  }
}

int MultiPitch::peak_in(int low, int high) const {
  const auto first = residual_.begin();
  return static_cast<int>(std::max_element(first + low, first + high + 1) - first);
}

double MultiPitch::salience(const Candidate& candidate) const {
  double sum = 0.0;
  for (int h = 0; h < candidate.partials; ++h) {
    const Partial& p = partials_[candidate.first_partial + static_cast<std::size_t>(h)];
    float top = 0.0F;
    for (int k = p.low; k <= p.high; ++k) {
      top = std::max(top, residual_[static_cast<std::size_t>(k)]);
    }
    sum += static_cast<double>(p.weight * top);
  }
  return sum;
}

// Vertex of the parabola through the logarithms of three magnitudes.
double MultiPitch::bin_of_peak(int bin) const {
  const auto at = static_cast<std::size_t>(bin);
  const double a = std::log(static_cast<double>(magnitude_[at - 1]) + 1e-12);
  const double b = std::log(static_cast<double>(magnitude_[at]) + 1e-12);
  const double c = std::log(static_cast<double>(magnitude_[at + 1]) + 1e-12);
  const double curvature = a - 2.0 * b + c;
  return curvature < 0.0 ? bin + std::clamp(0.5 * (a - c) / curvature, -0.5, 0.5) : bin;
}

void MultiPitch::subtract(double bin, float amplitude) {
  const int reach = static_cast<int>(std::ceil(2.5 * bins_per_lobe_unit_));
  const int centre = static_cast<int>(std::lround(bin));
  for (int k = std::max(0, centre - reach); k <= std::min(fft_.bins() - 1, centre + reach); ++k) {
    float& value = residual_[static_cast<std::size_t>(k)];
    const double lobe = hann_lobe((k - bin) / bins_per_lobe_unit_);
    value = std::max(0.0F, value - amplitude * static_cast<float>(lobe));
  }
}

// A pitch has its first partial, or its second and third: else it is the subharmonic of another.
bool MultiPitch::is_rooted(const Candidate& candidate) const {
  constexpr float kPresent = 0.02F;  // of the strongest partial
  std::array<float, 6> heights{};
  const int count = std::min(candidate.partials, static_cast<int>(heights.size()));
  for (int h = 0; h < count; ++h) {
    const Partial& p = partials_[candidate.first_partial + static_cast<std::size_t>(h)];
    heights[static_cast<std::size_t>(h)] =
        *std::max_element(magnitude_.begin() + p.low, magnitude_.begin() + p.high + 1);
  }
  const float least = kPresent * *std::max_element(heights.begin(), heights.end());
  return heights[0] >= least || (heights[1] >= least && heights[2] >= least);
}

// The candidate's pitch from its partials, which are taken out of the residual: each as far as it
// follows its neighbours smoothly, so that the excess of one which another note shares stays.
FramePitch MultiPitch::take(const Candidate& candidate) {
  FramePitch pitch{candidate.hz, salience(candidate), 0.0};
  std::array<double, kMaxPartials> bins{};
  std::array<float, kMaxPartials> heights{};
  double weighted = 0.0;
  double weights = 0.0;
  for (int h = 0; h < candidate.partials; ++h) {
    const auto at = static_cast<std::size_t>(h);
    const Partial& p = partials_[candidate.first_partial + at];
    const int bin = peak_in(p.low, p.high);
    bins[at] = bin_of_peak(bin);
    heights[at] = residual_[static_cast<std::size_t>(bin)];
    const auto amplitude = static_cast<double>(heights[at] / gain_[static_cast<std::size_t>(bin)]);
    pitch.power += amplitude * amplitude;
    if (h < 8) {
      weighted += static_cast<double>(heights[at]) * bins[at] * bin_hz_;
      weights += static_cast<double>(heights[at]) * (h + 1);
    }
  }
  if (weights > 0.0) {
    // Further off than a candidate's reach are the peaks of other notes.
    constexpr double kReachOctaves = 2.5 / kStepsPerOctave;
    pitch.hz = std::clamp(weighted / weights, candidate.hz * std::exp2(-kReachOctaves),
                          candidate.hz * std::exp2(kReachOctaves));
  }
  for (int h = 0; h < candidate.partials; ++h) {
    const auto at = static_cast<std::size_t>(h);
    const int first = std::max(0, h - 1);
    const int last = std::min(candidate.partials - 1, h + 1);
    float mean = 0.0F;
    for (int i = first; i <= last; ++i) {
      mean += heights[static_cast<std::size_t>(i)];
    }
    mean /= static_cast<float>(last - first + 1);
    // The first partial is the pitch's own: none lower shares it without others besides.
    subtract(bins[at], h == 0 ? heights[at] : std::min(heights[at], mean));
  }
  return pitch;
}

std::span<const FramePitch> MultiPitch::find(double floor) {
  whiten(floor);
  found_.clear();
  std::vector<bool> taken(candidates_.size(), false);
  double total = 0.0;
  for (int voice = 0; voice < options_.max_polyphony; ++voice) {
    std::size_t best = candidates_.size();
    double best_salience = 0.0;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (taken[i]) {
        continue;
      }
      const double value = salience(candidates_[i]);
      if (value > best_salience) {
        best = i;
        best_salience = value;
      }
    }
    constexpr double kLeastShare = 0.18;
    if (best < candidates_.size() && !is_rooted(candidates_[best])) {
      taken[best] = true;
      --voice;
      continue;
    }
    if (best == candidates_.size() ||
        (!found_.empty() && best_salience < kLeastShare * found_.front().salience)) {
      break;
    }
    // Klapuri's rule: while the sum grows faster than a power of the number of voices.
    constexpr double kGrowth = 0.4;
    const double next = (total + best_salience) / std::pow(voice + 1.0, kGrowth);
    if (voice > 0 && next <= total / std::pow(voice, kGrowth)) {
      break;
    }
    total += best_salience;
    found_.push_back(take(candidates_[best]));
    constexpr std::size_t kNear = 7;  // no second voice within 0.7 semitones
    for (std::size_t i = best - std::min(best, kNear);
         i < std::min(candidates_.size(), best + kNear + 1); ++i) {
      taken[i] = true;
    }
  }
  return found_;
}

double MultiPitch::partial_power(double hz) const {
  double sum = 0.0;
  const double top_hz = std::min(kHighestHz, 0.45 * sample_rate_hz_);
  for (int h = 1; h <= kMaxPartials && h * hz < top_hz; ++h) {
    const int bin = static_cast<int>(std::lround(h * hz / bin_hz_));
    float top = 0.0F;
    for (int k = std::max(0, bin - 1); k <= std::min(fft_.bins() - 1, bin + 1); ++k) {
      top = std::max(top, magnitude_[static_cast<std::size_t>(k)]);
    }
    sum += static_cast<double>(top) * static_cast<double>(top);
  }
  return sum;
}

}  // namespace ondes::note_internal
