#include "dsp/spectral_fingerprint.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "dsp/stft.h"

namespace ondes {
namespace {

constexpr int kFftSize = 1024;
constexpr int kPeakFrames = 4;
constexpr int kPeakBins = 3;
constexpr int kLowestBin = 3;               // 47 Hz: below is no pitch of a melody
constexpr float kPeakBelowLoudest = 3e-5F;  // of power: 45 dB
constexpr std::size_t kPeaksAFrame = 6;
constexpr int kChordPairs = 3;
constexpr int kZonePairs = 6;
constexpr int kZoneFirstFrame = 4;
constexpr int kZoneLastFrame = 63;

struct Peak {
  int frame = 0;
  int bin = 0;
  float power = 0.0F;
};

class Spectrogram {
 public:
  explicit Spectrogram(std::span<const float> x)
      : stft_({.fft_size = kFftSize, .hop_samples = kFingerprintHopSamples}),
        frames_(static_cast<int>(stft_.frames(static_cast<std::int64_t>(x.size())))),
        powers_(static_cast<std::size_t>(frames_) * static_cast<std::size_t>(stft_.bins())) {
    for (int t = 0; t < frames_; ++t) {
      stft_.frame_powers(x, static_cast<std::int64_t>(t) * kFingerprintHopSamples,
                         {&powers_[index(t, 0)], static_cast<std::size_t>(stft_.bins())});
    }
  }

  int frames() const { return frames_; }
  int bins() const { return stft_.bins(); }
  float loudest() const { return *std::max_element(powers_.begin(), powers_.end()); }
  float power(int t, int k) const { return powers_[index(t, k)]; }

  // Of equal cells the first one is the peak.
  bool is_peak(int t, int k) const {
    const float centre = power(t, k);
    for (int u = std::max(0, t - kPeakFrames); u <= std::min(frames_ - 1, t + kPeakFrames); ++u) {
      for (int m = std::max(0, k - kPeakBins); m <= std::min(bins() - 1, k + kPeakBins); ++m) {
        const bool before = u < t || (u == t && m < k);
        if (power(u, m) > centre || (before && power(u, m) == centre)) {
          return false;
        }
      }
    }
    return true;
  }

 private:
  std::size_t index(int t, int k) const {
    return static_cast<std::size_t>(t) * static_cast<std::size_t>(stft_.bins()) +
           static_cast<std::size_t>(k);
  }

  Stft stft_;
  int frames_;
  std::vector<float> powers_;
};

std::vector<Peak> peaks_of(std::span<const float> x) {
  const Spectrogram spectrogram(x);
  const float floor = spectrogram.loudest() * kPeakBelowLoudest;
  std::vector<Peak> peaks;
  std::vector<Peak> of_frame;
  for (int t = 0; t < spectrogram.frames(); ++t) {
    of_frame.clear();
    for (int k = kLowestBin; k + 1 < spectrogram.bins(); ++k) {
      const float power = spectrogram.power(t, k);
      // The cheap neighbours first: few cells get further.
      if (power > floor && power >= spectrogram.power(t, k - 1) &&
          power >= spectrogram.power(t, k + 1) && spectrogram.is_peak(t, k)) {
        of_frame.push_back({t, k, power});
      }
    }
    if (of_frame.size() > kPeaksAFrame) {
      std::sort(of_frame.begin(), of_frame.end(),
                [](const Peak& a, const Peak& b) { return a.power > b.power; });
      of_frame.resize(kPeaksAFrame);
      std::sort(of_frame.begin(), of_frame.end(),
                [](const Peak& a, const Peak& b) { return a.bin < b.bin; });
    }
    peaks.insert(peaks.end(), of_frame.begin(), of_frame.end());
  }
  return peaks;
}

Landmark landmark_of(const Peak& anchor, const Peak& target) {
  const auto bits = [](int value) { return static_cast<std::uint32_t>(value); };
  // 9 bits a frequency (bin 512 is never a peak), 6 bits the time between.
  return {(bits(anchor.bin) << 15U) | (bits(target.bin) << 6U) | bits(target.frame - anchor.frame),
          anchor.frame};
}

// P(N >= count) of a Poisson variable; the sum of its first terms would cancel.
double poisson_tail(double lambda, std::int64_t count) {
  const auto n = static_cast<double>(count);
  double term = std::exp(n * std::log(lambda) - lambda - std::lgamma(n + 1.0));
  double sum = 0.0;
  for (double k = n; term > 1e-300 && (k < lambda || term > 1e-12 * sum); k += 1.0) {
    sum += term;
    term *= lambda / (k + 1.0);
  }
  return std::min(1.0, sum);
}

struct Hit {
  std::int32_t clip = 0;
  std::int32_t offset = 0;
  std::int32_t frame = 0;
};

// The best offset among one clip's hits, which are sorted by offset.
FingerprintMatch best_offset(std::span<const Hit> hits, int offsets) {
  FingerprintMatch match;
  match.clip = hits.front().clip;
  match.hits = std::ssize(hits);
  std::size_t end = 0;
  for (std::size_t begin = 0; begin < hits.size(); ++begin) {
    while (end < hits.size() && hits[end].offset <= hits[begin].offset + 1) {
      ++end;
    }
    if (static_cast<std::int64_t>(end - begin) > match.agreeing) {
      const std::span<const Hit> agreeing = hits.subspan(begin, end - begin);
      match.agreeing = std::ssize(agreeing);
      const auto [first, last] =
          std::minmax_element(agreeing.begin(), agreeing.end(),
                              [](const Hit& a, const Hit& b) { return a.frame < b.frame; });
      match.first_frame = first->frame;
      match.last_frame = last->frame;
      match.offset_frames = agreeing[agreeing.size() / 2].offset;
    }
    while (begin + 1 < hits.size() && hits[begin + 1].offset == hits[begin].offset) {
      ++begin;
    }
  }
  // Two neighbouring offsets count as one place. Half a hit where there was none elsewhere: what was
  // never seen is not impossible.
  const double places = std::max(1.0, static_cast<double>(offsets) / 2.0);
  const auto elsewhere = static_cast<double>(match.hits - match.agreeing);
  match.expected_by_chance = std::max(0.5, elsewhere) / places;
  const double tail = poisson_tail(match.expected_by_chance, match.agreeing);
  match.p = tail >= 1.0 ? 1.0 : -std::expm1(places * std::log1p(-tail));
  return match;
}

}  // namespace

std::vector<Landmark> spectral_landmarks(std::span<const float> x) {
  if (x.empty()) {
    return {};
  }
  const std::vector<Peak> peaks = peaks_of(x);
  std::vector<Landmark> landmarks;
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    int chord = 0;
    int zone = 0;
    for (std::size_t j = i + 1; j < peaks.size() && zone < kZonePairs; ++j) {
      const int frames = peaks[j].frame - peaks[i].frame;
      if (frames > kZoneLastFrame) {
        break;
      }
      if (frames == 0 && chord < kChordPairs) {
        landmarks.push_back(landmark_of(peaks[i], peaks[j]));
        ++chord;
      } else if (frames >= kZoneFirstFrame) {
        landmarks.push_back(landmark_of(peaks[i], peaks[j]));
        ++zone;
      }
    }
  }
  return landmarks;
}

void FingerprintIndex::add(std::span<const Landmark> landmarks, int frames) {
  const auto clip = static_cast<std::int32_t>(clip_frames_.size());
  clip_frames_.push_back(frames);
  for (const Landmark& landmark : landmarks) {
    entries_.push_back({landmark.hash, clip, landmark.frame});
  }
}

void FingerprintIndex::finish() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.hash, a.clip, a.frame) < std::tie(b.hash, b.clip, b.frame);
  });
}

std::vector<FingerprintMatch> FingerprintIndex::matches(std::span<const Landmark> landmarks,
                                                        int frames) const {
  std::vector<Hit> hits;
  for (const Landmark& landmark : landmarks) {
    auto entry = std::lower_bound(entries_.begin(), entries_.end(), landmark.hash,
                                  [](const Entry& e, std::uint32_t hash) { return e.hash < hash; });
    for (; entry != entries_.end() && entry->hash == landmark.hash; ++entry) {
      hits.push_back({entry->clip, entry->frame - landmark.frame, landmark.frame});
    }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tie(a.clip, a.offset, a.frame) < std::tie(b.clip, b.offset, b.frame);
  });
  std::vector<FingerprintMatch> found;
  for (std::size_t begin = 0, end = 0; begin < hits.size(); begin = end) {
    while (end < hits.size() && hits[end].clip == hits[begin].clip) {
      ++end;
    }
    const int clip_frames = clip_frames_[static_cast<std::size_t>(hits[begin].clip)];
    found.push_back(best_offset(std::span(hits).subspan(begin, end - begin), frames + clip_frames));
    found.back().landmarks = std::ssize(landmarks);
  }
  std::stable_sort(
      found.begin(), found.end(),
      [](const FingerprintMatch& a, const FingerprintMatch& b) { return a.agreeing > b.agreeing; });
  return found;
}

}  // namespace ondes
