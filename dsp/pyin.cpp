#include "dsp/pyin.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dsp/fft.h"
#include "dsp/pitch_viterbi_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

using pitch_internal::BinProbability;
using pitch_internal::PitchViterbi;

// Of PyinOptions and YinOptions.
template <typename Options>
void check_frames(const std::string& name, double sample_rate_hz, const Options& o) {
  if (!(o.min_hz > 0.0 && o.min_hz < o.max_hz && o.max_hz <= sample_rate_hz / 2.0)) {
    throw Error(ErrorCode::usage, name + " range: expected 0 < min_hz < max_hz <= " +
                                      std::to_string(sample_rate_hz / 2.0) + " Hz, found " +
                                      std::to_string(o.min_hz) + ".." + std::to_string(o.max_hz));
  }
  if (o.frame_samples > (1 << 24) || o.frame_samples < 4 || o.frame_samples % 2 != 0 ||
      o.hop_samples < 1) {
    throw Error(ErrorCode::usage, name +
                                      " frame and hop: expected an even frame and a positive hop, "
                                      "found " +
                                      std::to_string(o.frame_samples) + " and " +
                                      std::to_string(o.hop_samples));
  }
  if (!(sample_rate_hz / o.min_hz < o.frame_samples - 1)) {
    throw Error(ErrorCode::usage, name + " frame: expected a period of " +
                                      std::to_string(o.min_hz) + " Hz within " +
                                      std::to_string(o.frame_samples) + " samples, found one of " +
                                      std::to_string(sample_rate_hz / o.min_hz));
  }
}

void check(double sample_rate_hz, const PyinOptions& o) {
  check_frames("pYIN", sample_rate_hz, o);
  const auto share = [](double p) { return p > 0.0 && p < 1.0; };
  if (o.thresholds < 1 || !(o.beta_a > 0.0) || !(o.beta_b > 0.0) || !(o.boltzmann > 0.0) ||
      !(o.resolution_semitones > 0.0) || o.resolution_semitones > 1.0 ||
      !(o.max_transition_rate > 0.0) || !share(o.switch_probability) ||
      !(o.no_trough_probability >= 0.0 && o.no_trough_probability <= 1.0)) {
    throw Error(ErrorCode::usage,
                "pYIN: a probability is not between 0 and 1, a resolution not "
                "between 0 and 1 semitone, or a size not positive");
  }
}

void check_finite(const std::string& name, std::span<const float> x) {
  const auto bad =
      std::find_if(x.begin(), x.end(), [](float sample) { return !std::isfinite(sample); });
  if (bad != x.end()) {
    throw Error(ErrorCode::bad_input, name + ": expected finite samples, found " +
                                          std::to_string(*bad) + " at sample " +
                                          std::to_string(bad - x.begin()));
  }
}

// The shortest and the longest lag that is looked at.
template <typename Options>
std::pair<int, int> lags_of(double sample_rate_hz, const Options& o) {
  return {static_cast<int>(std::floor(sample_rate_hz / o.max_hz)),
          std::min(static_cast<int>(std::ceil(sample_rate_hz / o.min_hz)), o.frame_samples - 1)};
}

// The regularised incomplete beta function by its continued fraction (W. Gautschi; the even and odd
// terms as in Abramowitz and Stegun 26.5.8), evaluated from its tail. Good to about 1e-14.
double beta_distribution(double x, double a, double b) {
  if (x <= 0.0 || x >= 1.0) {
    return x <= 0.0 ? 0.0 : 1.0;
  }
  if (x > (a + 1.0) / (a + b + 2.0)) {
    return 1.0 - beta_distribution(1.0 - x, b, a);
  }
  constexpr int kTerms = 400;
  double tail = 1.0;
  for (int n = kTerms; n >= 1; --n) {
    const int m = n / 2;
    const double term = n % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                   : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    tail = 1.0 + term / tail;
  }
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) -
                                std::lgamma(a) - std::lgamma(b));
  return front / (a * tail);
}

// The smallest even size >= `least` that has no factor above 5.
int transform_size(int least) {
  for (int size = least + least % 2;; size += 2) {
    int rest = size;
    for (const int factor : {2, 3, 5}) {
      while (rest % factor == 0) {
        rest /= factor;
      }
    }
    if (rest == 1) {
      return size;
    }
  }
}

// d' of one frame after another (YIN's eq. 8 as librosa has it: the energy of the samples that the
// lag pushes out of the frame is taken off once, at the frame's beginning).
class DifferenceFunction {
 public:
  DifferenceFunction(int frame_samples, int min_lag, int max_lag)
      : frame_(frame_samples),
        min_lag_(min_lag),
        max_lag_(max_lag),
        forward_(transform_size(frame_samples + max_lag + 1)),
        back_(forward_.size()),
        values_(static_cast<std::size_t>(max_lag - min_lag + 1)) {}

  // d' for min_lag .. max_lag of the frame that begins at `first`, zeros outside the signal.
  std::span<const double> measure(std::span<const float> x, std::int64_t first) {
    const auto input = forward_.input();
    std::fill(input.begin(), input.end(), 0.0);
    const std::int64_t from = std::max<std::int64_t>(first, 0);
    const std::int64_t to = std::min<std::int64_t>(first + frame_, std::ssize(x));
    for (std::int64_t n = from; n < to; ++n) {
      input[static_cast<std::size_t>(n - first)] =
          static_cast<double>(x[static_cast<std::size_t>(n)]);
    }
    forward_.transform();
    // The autocorrelation is the inverse transform of the power, which is real and even: the
    // forward transform gives the same numbers.
    const auto power = back_.input();
    const auto size = static_cast<std::size_t>(forward_.size());
    for (std::size_t k = 0; k < forward_.output().size(); ++k) {
      power[k] = std::norm(forward_.output()[k]);
      power[(size - k) % size] = power[k];
    }
    back_.transform();
    const double scale = 1.0 / static_cast<double>(size);
    const double energy = back_.output()[0].real() * scale;
    double before = 0.0;  // energy of the samples before the lag
    double sum = 0.0;
    for (int lag = 1; lag <= max_lag_; ++lag) {
      const auto at = static_cast<std::size_t>(lag);
      before += input[at - 1] * input[at - 1];
      const double d = 2.0 * (energy - back_.output()[at].real() * scale) - before;
      sum += d;
      if (lag >= min_lag_) {
        values_[static_cast<std::size_t>(lag - min_lag_)] =
            d / (sum / lag + std::numeric_limits<double>::min());
      }
    }
    return values_;
  }

 private:
  int frame_;
  int min_lag_;
  int max_lag_;
  RealFftDouble forward_;
  RealFftDouble back_;
  std::vector<double> values_;
};

// A local minimum of d'; of the ends, the first needs to be below the second strictly.
bool is_trough(std::span<const double> d, std::size_t i) {
  const bool falls = i == 0 || d[i] < d[i - 1];
  const bool last = i + 1 == d.size();
  const bool rises = last || (i == 0 ? d[i] < d[i + 1] : d[i] <= d[i + 1]);
  return falls && rises;
}

// The vote of the thresholds over the troughs of one frame's d'.
class TroughVote {
 public:
  explicit TroughVote(const PyinOptions& options) : options_(options) {
    double before = 0.0;
    for (int k = 1; k <= options.thresholds; ++k) {
      const double threshold = static_cast<double>(k) / options.thresholds;
      const double below = beta_distribution(threshold, options.beta_a, options.beta_b);
      thresholds_.push_back(threshold);
      weights_.push_back(below - before);
      before = below;
    }
  }

  struct Trough {
    std::size_t at = 0;  // index into d'
    double height = 0.0;
    double probability = 0.0;
  };
  std::span<const Trough> count(std::span<const double> d) {
    troughs_.clear();
    for (std::size_t i = 0; i < d.size(); ++i) {
      if (is_trough(d, i)) {
        troughs_.push_back({i, d[i], 0.0});
      }
    }
    if (troughs_.empty()) {
      return troughs_;
    }
    const auto deepest =
        std::min_element(troughs_.begin(), troughs_.end(),
                         [](const Trough& a, const Trough& b) { return a.height < b.height; });
    for (std::size_t k = 0; k < thresholds_.size(); ++k) {
      const auto below = std::count_if(troughs_.begin(), troughs_.end(),
                                       [&](const Trough& t) { return t.height < thresholds_[k]; });
      if (below == 0) {
        deepest->probability += options_.no_trough_probability * weights_[k];
        continue;
      }
      // Boltzmann's distribution over the first, second, ... trough below the threshold.
      const double ratio = std::exp(-options_.boltzmann);
      double share =
          (1.0 - ratio) / (1.0 - std::exp(-options_.boltzmann * static_cast<double>(below)));
      for (Trough& trough : troughs_) {
        if (trough.height < thresholds_[k]) {
          trough.probability += share * weights_[k];
          share *= ratio;
        }
      }
    }
    return troughs_;
  }

 private:
  PyinOptions options_;
  std::vector<double> thresholds_;
  std::vector<double> weights_;
  std::vector<Trough> troughs_;
};

// Offset of the vertex of the parabola through i - 1, i, i + 1; 0 at the ends and where it would be
// a whole step or more.
double parabolic_offset(std::span<const double> d, std::size_t i) {
  if (i == 0 || i + 1 == d.size()) {
    return 0.0;
  }
  const double curvature = d[i + 1] + d[i - 1] - 2.0 * d[i];
  const double slope = 0.5 * (d[i + 1] - d[i - 1]);
  return std::abs(slope) >= std::abs(curvature) ? 0.0 : -slope / curvature;
}

}  // namespace

PitchTrack track_pitch_pyin(std::span<const float> x,
                            double sample_rate_hz,
                            const PyinOptions& options) {
  check(sample_rate_hz, options);
  check_finite("pYIN", x);
  PitchTrack track;
  if (std::ssize(x) < options.frame_samples) {
    return track;
  }
  const auto [min_lag, max_lag] = lags_of(sample_rate_hz, options);
  const int bins_per_semitone = static_cast<int>(std::ceil(1.0 / options.resolution_semitones));
  const double bins_per_octave = 12.0 * bins_per_semitone;
  const int bins =
      static_cast<int>(std::floor(bins_per_octave * std::log2(options.max_hz / options.min_hz))) +
      1;
  const double semitones_a_frame =
      std::nearbyint(options.max_transition_rate * 12.0 * options.hop_samples / sample_rate_hz);
  DifferenceFunction difference(options.frame_samples, min_lag, max_lag);
  TroughVote vote(options);
  PitchViterbi viterbi({.bins = bins,
                        .reach_bins = static_cast<int>(semitones_a_frame) * bins_per_semitone / 2,
                        .switch_probability = options.switch_probability});
  std::vector<BinProbability> observed;
  std::vector<double> by_bin(static_cast<std::size_t>(bins), 0.0);
  const std::int64_t frames = 1 + std::ssize(x) / options.hop_samples;
  for (std::int64_t t = 0; t < frames; ++t) {
    const std::int64_t centre = t * options.hop_samples;
    const auto d = difference.measure(x, centre - options.frame_samples / 2);
    observed.clear();
    for (const TroughVote::Trough& trough : vote.count(d)) {
      const double lag = min_lag + static_cast<double>(trough.at) + parabolic_offset(d, trough.at);
      const double bin =
          std::nearbyint(bins_per_octave * std::log2(sample_rate_hz / lag / options.min_hz));
      // Above the range is nowhere, below it is the lowest bin; of two troughs in one bin the later
      // one stands.
      if (trough.probability > 0.0 && bin < bins) {
        by_bin[static_cast<std::size_t>(std::max(0.0, bin))] = trough.probability;
        observed.push_back({static_cast<int>(std::max(0.0, bin)), 0.0});
      }
    }
    double voiced = 0.0;
    for (BinProbability& each : observed) {
      each.probability = std::exchange(by_bin[static_cast<std::size_t>(each.bin)], 0.0);
      voiced += each.probability;
    }
    std::erase_if(observed, [](const BinProbability& each) { return each.probability == 0.0; });
    voiced = std::clamp(voiced, 0.0, 1.0);
    viterbi.add(observed, (1.0 - voiced) / bins);
    track.times_s.push_back(static_cast<double>(centre) / sample_rate_hz);
    track.voiced_probability.push_back(voiced);
  }
  for (const int bin : viterbi.way()) {
    track.hz.push_back(bin < 0 ? 0.0 : options.min_hz * std::exp2(bin / bins_per_octave));
  }
  return track;
}

PitchTrack track_pitch_yin(std::span<const float> x,
                           double sample_rate_hz,
                           const YinOptions& options) {
  check_frames("YIN", sample_rate_hz, options);
  if (!(options.threshold > 0.0)) {
    throw Error(ErrorCode::usage,
                "YIN threshold: expected more than 0, found " + std::to_string(options.threshold));
  }
  check_finite("YIN", x);
  PitchTrack track;
  if (std::ssize(x) < options.frame_samples) {
    return track;
  }
  const auto [min_lag, max_lag] = lags_of(sample_rate_hz, options);
  DifferenceFunction difference(options.frame_samples, min_lag, max_lag);
  const std::int64_t frames = 1 + std::ssize(x) / options.hop_samples;
  for (std::int64_t t = 0; t < frames; ++t) {
    const std::int64_t centre = t * options.hop_samples;
    const auto d = difference.measure(x, centre - options.frame_samples / 2);
    std::size_t at = 0;
    while (at < d.size() && !(d[at] < options.threshold && is_trough(d, at))) {
      ++at;
    }
    const bool voiced = at < d.size();
    if (!voiced) {
      at = static_cast<std::size_t>(std::min_element(d.begin(), d.end()) - d.begin());
    }
    const double lag = min_lag + static_cast<double>(at) + parabolic_offset(d, at);
    track.times_s.push_back(static_cast<double>(centre) / sample_rate_hz);
    track.hz.push_back((voiced ? 1.0 : -1.0) * sample_rate_hz / lag);
  }
  return track;
}

}  // namespace ondes
