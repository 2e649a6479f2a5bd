#include "apps/eval/metric_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "apps/interrupt.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace {

// "mcd_db" without its unit, for metrics whose name ends in one.
std::string without_unit(const std::string& name) {
  for (const char* unit : {"_db", "_cents", "_lu", "_ms", "_s"}) {
    if (name.ends_with(unit)) {
      return name.substr(0, name.size() - std::char_traits<char>::length(unit));
    }
  }
  return name;
}

std::set<std::string> selected_names(const std::vector<std::string>& names,
                                     const MetricSetting& setting) {
  const std::vector<MetricInfo> all = all_metrics(setting);
  std::set<std::string> selected;
  for (const std::string& name : names) {
    if (name == "must" || name == "all") {
      for (const MetricInfo& metric : name == "all" ? all : must_metrics(setting)) {
        selected.insert(metric.name);
      }
      continue;
    }
    const int index = find_metric(all, name);
    if (index < 0) {
      throw Error(ErrorCode::usage,
                  fmt::format("--metrics: expected must, all, or names of {}; found {}",
                              metric_names(all), quote(name)));
    }
    selected.insert(all[static_cast<std::size_t>(index)].name);
  }
  return selected;
}

}  // namespace

std::span<const MetricGroup> metric_groups(MetricKind kind) {
  static const std::array<MetricGroup, 5> of_sounds{kCepstralMetrics, kSpectralMetrics,
                                                    kPitchMetrics, kLevelMetrics, kWaveMetrics};
  static const std::array<MetricGroup, 1> of_scores{kScoreMetrics};
  if (kind == MetricKind::scores) {
    return of_scores;
  }
  return of_sounds;
}

namespace {

std::vector<MetricInfo> listed(const MetricSetting& setting, bool must_only) {
  std::vector<MetricInfo> metrics;
  for (const MetricGroup& group : metric_groups(setting.kind)) {
    for (const MetricRow& row : group.rows(setting)) {
      if (row.must || !must_only) {
        metrics.push_back(row.info);
      }
    }
  }
  return metrics;
}

}  // namespace

std::vector<MetricInfo> all_metrics(const MetricSetting& setting) {
  return listed(setting, false);
}

std::vector<MetricInfo> must_metrics(const MetricSetting& setting) {
  return listed(setting, true);
}

int find_metric(const std::vector<MetricInfo>& metrics, const std::string& name) {
  const auto named = std::find_if(metrics.begin(), metrics.end(), [&](const MetricInfo& metric) {
    return metric.name == name || without_unit(metric.name) == name;
  });
  return named == metrics.end() ? -1 : static_cast<int>(named - metrics.begin());
}

int measured_metric(const std::string& option,
                    const std::string& name,
                    const std::vector<MetricInfo>& measured,
                    const MetricSetting& setting) {
  const int index = find_metric(measured, name);
  if (index >= 0) {
    return index;
  }
  const std::vector<MetricInfo> all = all_metrics(setting);
  const int known = find_metric(all, name);
  throw Error(
      ErrorCode::usage,
      fmt::format("{}: expected a metric that is measured ({}), found {}{}", option,
                  metric_names(measured), quote(name),
                  known < 0 ? ""
                            : fmt::format("; --metrics all has it, and so has --metrics must,{}",
                                          all[static_cast<std::size_t>(known)].name)));
}

std::string metric_names(const std::vector<MetricInfo>& metrics) {
  std::string text;
  for (const MetricInfo& metric : metrics) {
    text += (text.empty() ? "" : ", ") + metric.name;
  }
  return text;
}

MetricPlan::MetricPlan(const std::vector<std::string>& names, const MetricSetting& setting)
    : setting_(setting) {
  const std::set<std::string> selected = selected_names(names, setting);
  for (const MetricGroup& group : metric_groups(setting.kind)) {
    Part part{&group, {}};
    for (const MetricRow& row : group.rows(setting)) {
      const bool wanted = selected.contains(row.info.name);
      part.outputs.push_back(wanted ? static_cast<int>(metrics_.size()) : -1);
      if (wanted) {
        metrics_.push_back(row.info);
      }
    }
    if (std::any_of(part.outputs.begin(), part.outputs.end(), [](int o) { return o >= 0; })) {
      parts_.push_back(std::move(part));
    }
  }
}

std::vector<MetricValue> MetricPlan::measure(const MetricInput& input) const {
  std::vector<MetricValue> values(metrics_.size());
  std::vector<MetricValue> of_group;
  for (const Part& part : parts_) {
    check_interrupted();
    of_group.assign(part.outputs.size(), {});
    try {
      part.group->measure(
          {input.sounds, input.policies, input.id, input.notes, input.score, part.outputs},
          of_group);
    } catch (const Error& error) {
      of_group.assign(part.outputs.size(), MetricValue::none(error.what()));
    }
    for (std::size_t row = 0; row < of_group.size(); ++row) {
      MetricValue& value = of_group[row];
      if (value.value && !std::isfinite(*value.value)) {
        value = MetricValue::none("not finite");
      }
      if (!value.value && value.reason.empty()) {
        value.reason = "not measured";
      }
      if (part.outputs[row] >= 0) {
        values[static_cast<std::size_t>(part.outputs[row])] = std::move(value);
      }
    }
  }
  stamp_other_rate(input.sounds.rate_hz, values);
  return values;
}

// Parameters in samples are others at another rate; what a group stated itself stays.
void MetricPlan::stamp_other_rate(int rate_hz, std::vector<MetricValue>& values) const {
  if (rate_hz == setting_.rate_hz || setting_.kind == MetricKind::scores) {
    return;
  }
  MetricSetting setting = setting_;
  setting.rate_hz = rate_hz;
  for (const Part& part : parts_) {
    const std::vector<MetricRow> rows = part.group->rows(setting);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (part.outputs[row] < 0) {
        continue;
      }
      const auto output = static_cast<std::size_t>(part.outputs[row]);
      MetricValue& value = values[output];
      if (value.value && value.parameters.empty() &&
          rows[row].info.parameters != metrics_[output].parameters) {
        value.parameters = rows[row].info.parameters;
      }
    }
  }
}

}  // namespace ondes
