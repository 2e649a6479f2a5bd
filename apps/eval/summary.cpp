#include "apps/eval/summary.h"

#include <algorithm>
#include <map>

#include "dsp/metrics/statistics.h"

namespace ondes {
namespace {

BootstrapOptions bootstrap_options(const Evaluation& evaluation) {
  BootstrapOptions options;
  options.seed = evaluation.bootstrap_seed;
  options.resamples = evaluation.bootstrap_resamples;
  return options;
}

MetricSummary summary_of(const System& system,
                         std::size_t metric,
                         const BootstrapOptions& options) {
  MetricSummary summary;
  std::vector<double> values;
  for (const PairResult& pair : system.pairs) {
    if (!pair.failure.empty()) {
      continue;
    }
    if (const std::optional<double>& value = pair.values[metric].value) {
      values.push_back(*value);
    } else {
      ++summary.unmeasured;
    }
  }
  summary.count = std::ssize(values);
  if (values.empty()) {
    return summary;
  }
  summary.mean = mean(values);
  summary.median = median(values);
  summary.sd = standard_deviation(values);
  summary.min = *std::min_element(values.begin(), values.end());
  summary.max = *std::max_element(values.begin(), values.end());
  if (const std::optional<Interval> interval = bootstrap_interval(values, options)) {
    summary.mean_low = interval->low;
    summary.mean_high = interval->high;
  }
  return summary;
}

PairedDifference difference_of(const Evaluation& evaluation,
                               const std::map<std::string, const PairResult*>& first,
                               std::size_t metric) {
  std::vector<double> of_first;
  std::vector<double> of_second;
  for (const PairResult& pair : evaluation.systems[1].pairs) {
    const auto other = first.find(pair.id);
    if (other == first.end() || !pair.failure.empty() || !other->second->failure.empty()) {
      continue;
    }
    const std::optional<double>& a = other->second->values[metric].value;
    const std::optional<double>& b = pair.values[metric].value;
    if (a && b) {
      of_first.push_back(*a);
      of_second.push_back(*b);
    }
  }
  const PairedBootstrap paired =
      paired_bootstrap(of_first, of_second, bootstrap_options(evaluation));
  PairedDifference difference;
  difference.count = std::ssize(of_first);
  difference.mean = paired.mean_difference;
  if (!of_first.empty()) {
    difference.first_mean = mean(of_first);
    difference.second_mean = mean(of_second);
  }
  if (paired.interval) {
    difference.mean_low = paired.interval->low;
    difference.mean_high = paired.interval->high;
  }
  const Better better = evaluation.metrics[metric].better;
  if (paired.differ() && better != Better::neither) {
    const bool second_is_lower = *paired.mean_difference < 0.0;
    difference.better_system = second_is_lower == (better == Better::lower) ? 1 : 0;
  }
  return difference;
}

}  // namespace

std::int64_t failure_count(const System& system) {
  return std::count_if(system.pairs.begin(), system.pairs.end(),
                       [](const PairResult& pair) { return !pair.failure.empty(); });
}

void summarise(Evaluation& evaluation) {
  for (System& system : evaluation.systems) {
    system.summaries.clear();
    for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
      system.summaries.push_back(summary_of(system, m, bootstrap_options(evaluation)));
    }
  }
  evaluation.differences.clear();
  if (evaluation.systems.size() != 2) {
    return;
  }
  std::map<std::string, const PairResult*> first;
  for (const PairResult& pair : evaluation.systems[0].pairs) {
    first.emplace(pair.id, &pair);
  }
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    evaluation.differences.push_back(difference_of(evaluation, first, m));
  }
}

}  // namespace ondes
