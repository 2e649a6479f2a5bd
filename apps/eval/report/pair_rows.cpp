#include "apps/eval/report/pair_rows.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "apps/eval/report/html_text.h"
#include "engine/error.h"

namespace ondes::report {
namespace {

std::optional<double> worst_value(const PairRow& row, std::size_t metric, bool high_is_worse) {
  std::optional<double> worst;
  for (const PairResult* result : row.results) {
    const std::optional<double> value = value_of(result, metric);
    if (value && (!worst || (high_is_worse ? *value > *worst : *value < *worst))) {
      worst = value;
    }
  }
  return worst;
}

}  // namespace

bool PairRow::failed() const {
  return std::all_of(results.begin(), results.end(), [](const PairResult* result) {
    return result == nullptr || !result->failure.empty();
  });
}

std::size_t ranking_metric(const Evaluation& evaluation, const std::string& name) {
  const std::vector<MetricInfo>& metrics = evaluation.metrics;
  const auto found = std::find_if(metrics.begin(), metrics.end(), [&](const MetricInfo& metric) {
    return name.empty() ? metric.better != Better::neither : metric.name == name;
  });
  if (found != metrics.end()) {
    return static_cast<std::size_t>(found - metrics.begin());
  }
  if (name.empty()) {
    return 0;
  }
  std::string known;
  for (const MetricInfo& metric : metrics) {
    known += (known.empty() ? "" : ", ") + metric.name;
  }
  throw Error(ErrorCode::usage, "the report's order: expected one of " + known + ", found " + name);
}

std::vector<PairRow> rows_worst_first(const Evaluation& evaluation, std::size_t metric) {
  std::map<std::string, PairRow> by_id;
  for (std::size_t s = 0; s < evaluation.systems.size(); ++s) {
    for (const PairResult& pair : evaluation.systems[s].pairs) {
      PairRow& row = by_id[pair.id];
      row.id = pair.id;
      row.results.resize(evaluation.systems.size());
      row.results[s] = &pair;
    }
  }
  const bool high_is_worse =
      metric >= evaluation.metrics.size() || evaluation.metrics[metric].better != Better::higher;
  // (failed, unmeasured, badness with the worst lowest, id): a total order.
  using Key = std::tuple<bool, bool, double, std::string>;
  std::vector<std::pair<Key, PairRow>> keyed;
  for (auto& [id, row] : by_id) {
    const std::optional<double> worst = worst_value(row, metric, high_is_worse);
    const double badness = high_is_worse ? -worst.value_or(0.0) : worst.value_or(0.0);
    keyed.emplace_back(Key{row.failed(), !worst.has_value(), badness, id}, std::move(row));
  }
  std::sort(keyed.begin(), keyed.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PairRow> rows;
  for (auto& [key, row] : keyed) {
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<double> value_of(const PairResult* result, std::size_t metric) {
  if (result == nullptr || metric >= result->values.size()) {
    return std::nullopt;
  }
  return result->values[metric].value;
}

std::string reason_of(const PairResult* result, std::size_t metric) {
  if (result == nullptr) {
    return "this system lacks the pair";
  }
  if (!result->failure.empty() || metric >= result->values.size()) {
    return result->failure;
  }
  return result->values[metric].reason;
}

std::vector<NamedValue> values_of(const System& system, std::size_t metric) {
  std::vector<NamedValue> values;
  for (const PairResult& pair : system.pairs) {
    if (const std::optional<double> value = value_of(&pair, metric)) {
      values.push_back({pair.id, *value});
    }
  }
  return values;
}

bool is_single_pair(const Evaluation& evaluation) {
  return std::all_of(evaluation.systems.begin(), evaluation.systems.end(),
                     [](const System& system) { return system.pairs.size() == 1; });
}

std::string system_label(const Evaluation& evaluation, std::size_t system) {
  const std::string name = last_component(evaluation.systems[system].name);
  if (evaluation.systems.size() < 2) {
    return name;
  }
  return std::string(1, static_cast<char>('A' + static_cast<int>(system))) + ": " + name;
}

}  // namespace ondes::report
