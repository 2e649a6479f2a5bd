#include <algorithm>
#include <cmath>
#include <utility>

#include "dsp/metrics/mcd_internal.h"

namespace ondes {

namespace {

double distance_db(std::span<const float> a, std::span<const float> b, const McdRules& rules) {
  const auto last =
      rules.last_cost_column == 0 ? a.size() : static_cast<std::size_t>(rules.last_cost_column);
  double sum = 0.0;
  for (auto k = static_cast<std::size_t>(rules.first_cost_column); k < last; ++k) {
    const double difference = static_cast<double>(a[k]) - static_cast<double>(b[k]);
    sum += difference * difference;
  }
  return rules.scale_db * std::sqrt(sum);
}

// a: reference, b: generated, whichever of them the tool hands over first.
std::vector<DtwStep> path_of(const McdFeatures& features, const McdRules& rules) {
  const DtwOptions options{.first_column = rules.first_alignment_column,
                           .band_frames = rules.band_frames};
  switch (rules.alignment) {
    case McdRules::Alignment::exact:
      return dtw(features.reference, features.generated, options).path;
    case McdRules::Alignment::fast:
      return fast_dtw(features.reference, features.generated, rules.radius, options).path;
    case McdRules::Alignment::fast_generated_first:
      break;
  }
  std::vector<DtwStep> path =
      fast_dtw(features.generated, features.reference, rules.radius, options).path;
  for (DtwStep& step : path) {
    std::swap(step.a, step.b);
  }
  return path;
}

}  // namespace

void compare_aligned(const McdFeatures& alignment,
                     const McdFeatures& cost,
                     const McdRules& rules,
                     MelCepstralDistortion& result) {
  result.path = path_of(alignment, rules);
  result.path_db.resize(result.path.size());
  double sum = 0.0;
  for (std::size_t i = 0; i < result.path.size(); ++i) {
    const DtwStep step = result.path[i];
    result.path_db[i] = distance_db(cost.reference[step.a], cost.generated[step.b], rules);
    sum += result.path_db[i];
  }
  const auto pairs = static_cast<double>(result.path.size());
  result.aligned_pairs = std::ssize(result.path);
  result.dtw_db = sum / pairs;
  result.alignment_penalty =
      2.0 - static_cast<double>(cost.reference.frames() + cost.generated.frames()) / pairs;
}

void compare_synchronous(const McdFeatures& cost,
                         const McdRules& rules,
                         MelCepstralDistortion& result) {
  const int frames = std::min(cost.reference.frames(), cost.generated.frames());
  double sum = 0.0;
  for (int t = 0; t < frames; ++t) {
    sum += distance_db(cost.reference[t], cost.generated[t], rules);
  }
  result.synchronous_frames = frames;
  result.synchronous_db = sum / static_cast<double>(frames);
}

}  // namespace ondes
