#include "apps/eval/nearest.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>

#include "apps/eval/for_each_index.h"
#include "apps/eval/nearest_corpus.h"
#include "apps/eval/pairing.h"
#include "apps/interrupt.h"
#include "engine/error.h"
#include "models/training/sound_files.h"

namespace ondes {
namespace {

constexpr int kProgressRateHz = 1000;
constexpr std::int64_t kMaxFrames = std::int64_t{1} << 28;
constexpr std::size_t kFingerprintCandidates = 5;
constexpr double kCopyMarginS = 0.25;     // around an alignment, for the waveforms
constexpr double kLandmarkMarginS = 0.1;  // around agreeing landmarks
constexpr double kLongestWaveformS = 60.0;
constexpr double kClearlyBetter = 0.05;  // of correlations

std::span<const float> piece(std::span<const float> x, double from_s, double to_s) {
  const auto at = [&](double time_s) {
    const auto n = static_cast<std::int64_t>(std::llround(time_s * kFingerprintRateHz));
    return static_cast<std::size_t>(std::clamp<std::int64_t>(n, 0, std::ssize(x)));
  };
  const std::size_t begin = at(from_s);
  return x.subspan(begin, std::max(begin, at(to_s)) - begin);
}

Likeness likeness_of(const Neighbour& n, std::int64_t landmarks) {
  if (n.waveform_correlation >= kCopyCorrelation && n.p < kCopyP &&
      n.landmarks_agreeing >= kCopyLandmarks) {
    return Likeness::copy;
  }
  const bool alike =
      n.p < kAlikeP && n.landmarks_agreeing >= kAlikeLandmarks &&
      static_cast<double>(n.landmarks_agreeing) >= kAlikeShare * static_cast<double>(landmarks);
  return alike ? Likeness::alike : Likeness::none;
}

class Search {
 public:
  explicit Search(const NearestRequest& request)
      : request_(request), corpus_(open_search_corpus(request.corpus)) {
    for (const std::string& path : request.generated) {
      const std::vector<std::string> sounds = sounds_at(path);
      sounds_.insert(sounds_.end(), sounds.begin(), sounds.end());
    }
  }

  NearestSearch run() {
    const auto start = std::chrono::steady_clock::now();
    analyse_corpus();
    Progress progress(request_.progress, "nearest", std::ssize(sounds_) * kProgressRateHz,
                      kProgressRateHz);
    search_.results.resize(sounds_.size());
    std::mutex mutex;
    std::int64_t done = 0;
    for_each_index(sounds_.size(), request_.threads, [&](std::size_t i) {
      search_.results[i] = result_of(sounds_[i]);
      const std::lock_guard lock(mutex);
      progress.update(++done * kProgressRateHz);
    });
    search_.corpus = corpus_.path;
    search_.kind = corpus_.kind;
    search_.version = ONDES_VERSION;
    search_.elapsed_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(search_);
  }

 private:
  void analyse_corpus() {
    features_.resize(corpus_.clips.size());
    Progress progress(request_.progress, "analyse", std::ssize(features_) * kProgressRateHz,
                      kProgressRateHz);
    std::mutex mutex;
    std::int64_t done = 0;
    std::map<std::size_t, std::string> reasons;
    for_each_index(features_.size(), request_.threads, [&](std::size_t i) {
      std::string reason;
      try {
        features_[i] = search_features(corpus_.clips[i].load());
      } catch (const Error& error) {
        reason = error.what();
      }
      const std::lock_guard lock(mutex);
      if (!reason.empty()) {
        reasons[i] = reason;
      }
      progress.update(++done * kProgressRateHz);
    });
    scale_ = cepstral_scale(features_);
    for (std::size_t i = 0; i < features_.size(); ++i) {
      scale_cepstra(scale_, features_[i]);
      index_.add(features_[i].landmarks, features_[i].fingerprint_frames());
      features_[i].landmarks = {};  // the index has them
      search_.corpus_s += static_cast<double>(features_[i].samples) / kFingerprintRateHz;
      const bool readable = !reasons.contains(i);
      search_.clips += readable && is_searched(i) ? 1U : 0U;
      search_.too_short += readable && !is_searched(i) ? 1U : 0U;
    }
    for (const auto& [i, reason] : reasons) {
      search_.unreadable.push_back(corpus_.clips[i].name + ": " + reason);
    }
    if (search_.clips == 0) {
      throw Error(ErrorCode::bad_input,
                  corpus_.path + ": expected sounds of at least 0.1 s, found none" +
                      (reasons.empty() ? "" : " (" + search_.unreadable.front() + ")"));
    }
    index_.finish();
  }

  bool is_searched(std::size_t clip) const { return features_[clip].frames() >= kMinSearchFrames; }

  NearestResult result_of(const std::string& path) const {
    NearestResult result;
    result.path = path;
    try {
      const std::vector<float> x = read_mono(path, kFingerprintRateHz, kMaxFrames);
      result.duration_s = static_cast<double>(x.size()) / kFingerprintRateHz;
      SearchFeatures features = search_features(x);
      result.landmarks = std::ssize(features.landmarks);
      if (features.frames() < kMinSearchFrames) {
        result.failure = "expected at least 0.1 s of sound, found " +
                         std::string(features.frames() == 0 ? "silence" : "less");
        return result;
      }
      scale_cepstra(scale_, features);
      result.neighbours = neighbours(x, features);
    } catch (const Error& error) {
      result.failure = error.what();
    }
    return result;
  }

  std::vector<Neighbour> neighbours(std::span<const float> x,
                                    const SearchFeatures& features) const {
    std::vector<std::pair<SearchAlignment, std::size_t>> ranked;
    for (std::size_t i = 0; i < features_.size() && !interrupted(); ++i) {
      if (is_searched(i)) {
        ranked.emplace_back(align(features, features_[i]), i);
      }
    }
    check_interrupted();
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.first.distance < b.first.distance;
    });
    std::map<std::size_t, FingerprintMatch> prints;
    std::vector<std::size_t> leading;
    for (const FingerprintMatch& match :
         index_.matches(features.landmarks, features.fingerprint_frames())) {
      const auto clip = static_cast<std::size_t>(match.clip);
      if (leading.size() < kFingerprintCandidates && is_searched(clip)) {
        leading.push_back(clip);
      }
      prints.emplace(clip, match);
    }
    const auto wanted = static_cast<std::size_t>(request_.count);
    std::vector<Neighbour> found;
    for (std::size_t rank = 0; rank < ranked.size(); ++rank) {
      const std::size_t clip = ranked[rank].second;
      if (rank < wanted || std::find(leading.begin(), leading.end(), clip) != leading.end()) {
        const auto print = prints.find(clip);
        found.push_back(neighbour(x, features, clip, ranked[rank].first,
                                  print == prints.end() ? FingerprintMatch{} : print->second));
      }
    }
    std::stable_sort(found.begin(), found.end(), [](const Neighbour& a, const Neighbour& b) {
      const bool a_copy = a.likeness == Likeness::copy;
      const bool b_copy = b.likeness == Likeness::copy;
      return a_copy != b_copy           ? a_copy
             : a_copy                   ? a.waveform_correlation > b.waveform_correlation
             : a.likeness != b.likeness ? a.likeness > b.likeness
                                        : a.place.distance < b.place.distance;
    });
    found.resize(std::min(found.size(), wanted));
    return found;
  }

  Neighbour neighbour(std::span<const float> x,
                      const SearchFeatures& features,
                      std::size_t clip,
                      const SearchAlignment& place,
                      const FingerprintMatch& print) const {
    Neighbour neighbour;
    neighbour.clip = corpus_.clips[clip].name;
    neighbour.place = place;
    neighbour.distances = distances(features, features_[clip], place);
    neighbour.landmarks_agreeing = print.agreeing;
    neighbour.expected_by_chance = print.expected_by_chance;
    // Bonferroni: any of the clips might have agreed.
    neighbour.p = std::min(1.0, print.p * static_cast<double>(search_.clips));
    constexpr double kHopS = static_cast<double>(kFingerprintHopSamples) / kFingerprintRateHz;
    neighbour.fingerprint_offset_s = print.offset_frames * kHopS;
    const std::vector<float> of_clip = corpus_.clips[clip].load();
    if (static_cast<double>(x.size() + of_clip.size()) < kLongestWaveformS * kFingerprintRateHz) {
      lay_over(x, of_clip, {0.0, 0.0, kLongestWaveformS, 0.0, kLongestWaveformS}, neighbour);
    }
    lay_over(x, of_clip,
             {place.distance, place.from_s - kCopyMarginS, place.to_s + kCopyMarginS,
              place.clip_from_s - kCopyMarginS, place.clip_to_s + kCopyMarginS},
             neighbour);
    if (print.agreeing >= kAlikeLandmarks) {
      const double from_s = print.first_frame * kHopS - kLandmarkMarginS;
      const double to_s = print.last_frame * kHopS + kCopyMarginS;
      lay_over(x, of_clip,
               {0.0, from_s, to_s, from_s + neighbour.fingerprint_offset_s,
                to_s + neighbour.fingerprint_offset_s},
               neighbour);
    }
    neighbour.likeness = likeness_of(neighbour, print.landmarks);
    return neighbour;
  }

  // Takes over the waveforms' correlation where the two pieces fit clearly better than larger ones
  // that were laid over each other before.
  static void lay_over(std::span<const float> x,
                       std::span<const float> clip,
                       const SearchAlignment& place,
                       Neighbour& neighbour) {
    const double from_s = std::max(0.0, place.from_s);
    const double clip_from_s = std::max(0.0, place.clip_from_s);
    const auto a = piece(x, from_s, std::min(place.to_s, from_s + kLongestWaveformS));
    const auto b =
        piece(clip, clip_from_s, std::min(place.clip_to_s, clip_from_s + kLongestWaveformS));
    const WaveformMatch match = waveform_match(a, b);
    if (match.correlation <=
        neighbour.waveform_correlation + (neighbour.copied_s > 0.0 ? kClearlyBetter : 0.0)) {
      return;
    }
    const auto begin = std::max<std::int64_t>(0, match.lag);
    const auto end = std::min(std::ssize(a), std::ssize(b) + match.lag);
    neighbour.waveform_correlation = match.correlation;
    neighbour.copied_at_s = from_s + static_cast<double>(begin) / kFingerprintRateHz;
    neighbour.copied_from_s =
        clip_from_s + static_cast<double>(begin - match.lag) / kFingerprintRateHz;
    neighbour.copied_s = static_cast<double>(end - begin) / kFingerprintRateHz;
  }

  const NearestRequest& request_;
  SearchCorpus corpus_;
  std::vector<std::string> sounds_;
  std::vector<SearchFeatures> features_;
  CepstralScale scale_{};
  FingerprintIndex index_;
  NearestSearch search_;
};

}  // namespace

Likeness NearestResult::likeness() const {
  return neighbours.empty() ? Likeness::none : neighbours.front().likeness;
}

NearestSearch find_nearest(const NearestRequest& request) {
  return Search(request).run();
}

}  // namespace ondes
