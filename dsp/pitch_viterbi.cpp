#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "dsp/pitch_viterbi_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/pitch_viterbi.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ondes::pitch_internal {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// best[j] = max over o in [0, width) of x[j + o] + weight[o]; from[j] = the first o that has it.
// Whole vectors: what lies behind `count` is computed and not used.
void max_plus(
    const double* x, const double* weight, int width, int count, double* best, double* from) {
  const hn::CappedTag<double, 8> d;
  const int step = static_cast<int>(hn::Lanes(d));
  for (int j = 0; j < count; j += step) {
    auto top = hn::Set(d, -std::numeric_limits<double>::infinity());
    auto at = hn::Zero(d);
    for (int o = 0; o < width; ++o) {
      const auto way = hn::Add(hn::LoadU(d, x + j + o), hn::Set(d, weight[o]));
      const auto better = hn::Gt(way, top);
      top = hn::IfThenElse(better, way, top);
      at = hn::IfThenElse(better, hn::Set(d, static_cast<double>(o)), at);
    }
    hn::StoreU(top, d, best + j);
    hn::StoreU(at, d, from + j);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ondes::pitch_internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes::pitch_internal {

namespace {

HWY_EXPORT(max_plus);

constexpr int kVectorPadding = 8;
constexpr double kTiny = std::numeric_limits<double>::min();

}  // namespace

PitchViterbi::PitchViterbi(const ViterbiOptions& options)
    : bins_(options.bins),
      reach_(std::min(options.reach_bins, options.bins - 1)),
      stride_(bins_ + 2 * reach_ + kVectorPadding),
      log_stay_(std::log(1.0 - options.switch_probability + kTiny)),
      log_switch_(std::log(options.switch_probability + kTiny)) {
  std::vector<double> weight;
  for (int o = -reach_; o <= reach_; ++o) {
    weight.push_back(1.0 - std::abs(o) / (options.reach_bins + 1.0));
    log_weight_.push_back(std::log(weight.back()));
  }
  for (int i = 0; i < bins_; ++i) {
    double sum = 0.0;
    for (int o = -reach_; o <= reach_; ++o) {
      sum += i + o >= 0 && i + o < bins_ ? weight[static_cast<std::size_t>(o + reach_)] : 0.0;
    }
    log_norm_.push_back(std::log(sum));
  }
  const auto bins = static_cast<std::size_t>(bins_);
  value_.assign(2 * bins, 0.0);
  shifted_.assign(static_cast<std::size_t>(stride_), -std::numeric_limits<double>::infinity());
  for (int v = 0; v < 2; ++v) {
    best_[v].assign(bins + kVectorPadding, 0.0);
    from_[v].assign(bins + kVectorPadding, 0.0);
  }
  observed_.assign(2 * bins, 0.0);
}

void PitchViterbi::reach_from(int voicing) {
  const double* value = value_.data() + voicing * bins_;
  for (int i = 0; i < bins_; ++i) {
    shifted_[static_cast<std::size_t>(i + reach_)] =
        value[i] - log_norm_[static_cast<std::size_t>(i)];
  }
  HWY_DYNAMIC_DISPATCH(max_plus)
  (shifted_.data(), log_weight_.data(), 2 * reach_ + 1, bins_, best_[voicing].data(),
   from_[voicing].data());
}

void PitchViterbi::add(std::span<const BinProbability> voiced, double unvoiced) {
  const auto bins = static_cast<std::size_t>(bins_);
  std::fill(observed_.begin(), observed_.begin() + bins_, std::log(kTiny));
  std::fill(observed_.begin() + bins_, observed_.end(), std::log(unvoiced + kTiny));
  for (const BinProbability& each : voiced) {
    observed_[static_cast<std::size_t>(each.bin)] = std::log(each.probability + kTiny);
  }
  const std::size_t states = 2 * bins;
  back_.resize(back_.size() + states);
  if (++frames_ == 1) {
    const double start = std::log(1.0 / static_cast<double>(states) + kTiny);
    for (std::size_t s = 0; s < states; ++s) {
      value_[s] = observed_[s] + start;
    }
    return;
  }
  const auto highest = std::max_element(value_.begin(), value_.end());
  const double jump = *highest + std::log(kTiny);
  const auto jump_from = static_cast<std::uint16_t>(highest - value_.begin());
  reach_from(0);
  reach_from(1);
  std::uint16_t* back = back_.data() + (back_.size() - states);
  for (std::size_t j = 0; j < bins; ++j) {
    const int first = static_cast<int>(j) - reach_;
    const auto voiced_from = static_cast<std::uint16_t>(first + static_cast<int>(from_[0][j]));
    const auto unvoiced_from =
        static_cast<std::uint16_t>(first + static_cast<int>(from_[1][j]) + bins_);
    for (std::size_t v = 0; v < 2; ++v) {
      const double a = best_[0][j] + (v == 0 ? log_stay_ : log_switch_);
      const double b = best_[1][j] + (v == 0 ? log_switch_ : log_stay_);
      const std::size_t state = v * bins + j;
      double best = a >= b ? a : b;
      back[state] = a >= b ? voiced_from : unvoiced_from;
      if (jump > best) {
        best = jump;
        back[state] = jump_from;
      }
      value_[state] = best + observed_[state];
    }
  }
}

std::vector<int> PitchViterbi::way() const {
  std::vector<int> way(static_cast<std::size_t>(frames_));
  if (way.empty()) {
    return way;
  }
  const std::size_t states = value_.size();
  auto state =
      static_cast<std::size_t>(std::max_element(value_.begin(), value_.end()) - value_.begin());
  for (std::size_t t = way.size(); t-- > 0;) {
    way[t] = static_cast<int>(state) < bins_ ? static_cast<int>(state) : -1;
    state = back_[t * states + state];
  }
  return way;
}

}  // namespace ondes::pitch_internal
#endif  // HWY_ONCE
