#include "apps/eval/summary_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/eval/policy_names.h"
#include "apps/eval/summary.h"

namespace ondes {
namespace {

constexpr std::size_t kListed = 5;  // of pairs without partner, of files that break a gate

std::string number(const std::optional<double>& value, const MetricInfo& metric) {
  if (!value) {
    return "-";
  }
  const std::string text = fmt::format("{:.{}f}", *value, metric.decimals);
  const bool is_zero = text.find_first_of("123456789") == std::string::npos;
  return is_zero && text.starts_with('-') ? text.substr(1) : text;
}

std::string interval(const std::optional<double>& low,
                     const std::optional<double>& high,
                     const MetricInfo& metric) {
  return low && high ? fmt::format("[{}, {}]", number(low, metric), number(high, metric)) : "";
}

int name_width(const Evaluation& evaluation) {
  std::size_t width = 6;
  for (const MetricInfo& metric : evaluation.metrics) {
    width = std::max(width, metric.name.size());
  }
  return static_cast<int>(width);
}

std::string some(const std::vector<std::string>& names, const char* separator) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kListed; ++i) {
    text += (i == 0 ? "" : separator) + names[i];
  }
  return text + (names.size() > kListed
                     ? fmt::format("{}... {} more", separator, names.size() - kListed)
                     : "");
}

// The pair that a reader should listen to first.
std::string worst_pair(const System& system, std::size_t m, Better better) {
  const PairResult* worst = nullptr;
  for (const PairResult& pair : system.pairs) {
    if (better == Better::neither || !pair.failure.empty() || !pair.values[m].value) {
      continue;
    }
    const double value = *pair.values[m].value;
    if (worst == nullptr || (better == Better::lower ? value > *worst->values[m].value
                                                     : value < *worst->values[m].value)) {
      worst = &pair;
    }
  }
  const bool all_equal = system.summaries[m].min == system.summaries[m].max;
  return worst == nullptr || all_equal ? "" : worst->id;
}

std::string pair_text(const Evaluation& evaluation, const PairResult& pair) {
  std::string text;
  if (!pair.failure.empty()) {
    return text;
  }
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    const MetricValue& value = pair.values[m];
    text += fmt::format("{:<{}}  {:>10} {:<5}  {}{}\n", metric.name, name_width(evaluation),
                        number(value.value, metric), metric.unit, metric.label,
                        value.value ? "" : ": " + value.reason);
  }
  return text;
}

std::string corpus_text(const Evaluation& evaluation, const System& system) {
  const int width = name_width(evaluation);
  std::string text =
      fmt::format("{:<{}} {:>6} {:>10} {:>22} {:>10} {:>9}  {:<5} {}\n", "metric", width, "n",
                  "mean", "95 % of the mean", "median", "sd", "", "worst");
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    const MetricSummary& summary = system.summaries[m];
    text += fmt::format("{:<{}} {:>6} {:>10} {:>22} {:>10} {:>9}  {:<5} {}\n", metric.name, width,
                        summary.count, number(summary.mean, metric),
                        interval(summary.mean_low, summary.mean_high, metric),
                        number(summary.median, metric), number(summary.sd, metric), metric.unit,
                        worst_pair(system, m, metric.better));
  }
  return text;
}

// Above the tables, because it says how to read them: by each metric's own number of pairs.
std::string few_pairs_text(const Evaluation& evaluation) {
  std::map<std::int64_t, std::string> by_count;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const std::int64_t count = evaluation.systems.size() == 2
                                   ? evaluation.differences[m].count
                                   : evaluation.systems.front().summaries[m].count;
    if (count > 0 && count < kFewPairs) {
      std::string& names = by_count[count];
      names += (names.empty() ? "" : ", ") + evaluation.metrics[m].name;
    }
  }
  std::string text;
  for (const auto& [count, names] : by_count) {
    text += fmt::format("{} pair{} too few for intervals to mean much: {}\n", count,
                        count == 1 ? " is" : "s are", names);
  }
  return text;
}

// With very few pairs the sign of a difference is all there is to say.
std::string better_text(const PairedDifference& difference, Better better) {
  if (better == Better::neither) {
    return "";
  }
  const char* const words[] = {"not told apart", "A", "B"};
  const std::string text = words[difference.better_system + 1];
  return difference.count < kFewestToTell && difference.better_system >= 0
             ? fmt::format("({} in these {})", text, difference.count)
             : text;
}

std::string comparison_text(const Evaluation& evaluation) {
  const int width = name_width(evaluation);
  std::string text =
      fmt::format("A: {}\nB: {}\n", evaluation.systems[0].name, evaluation.systems[1].name);
  text += fmt::format("{:<{}} {:>6} {:>10} {:>10} {:>10} {:>22}  {:<5} {}\n", "metric", width, "n",
                      "A", "B", "B - A", "95 %", "", "better");
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    const PairedDifference& difference = evaluation.differences[m];
    text += fmt::format("{:<{}} {:>6} {:>10} {:>10} {:>10} {:>22}  {:<5} {}\n", metric.name, width,
                        difference.count, number(difference.first_mean, metric),
                        number(difference.second_mean, metric), number(difference.mean, metric),
                        interval(difference.mean_low, difference.mean_high, metric), metric.unit,
                        better_text(difference, metric.better));
  }
  return text + "A and B: means over the n pairs that both have\n";
}

std::string system_remarks(const System& system) {
  std::string text;
  for (const auto& [names, side] : {std::pair{&system.only_in_reference, "reference"},
                                    {&system.only_in_generated, "generated"}}) {
    if (!names->empty()) {
      text += fmt::format("{}: {} without a partner, {} only: {}\n", system.name, names->size(),
                          side, some(*names, ", "));
    }
  }
  return text;
}

std::string parameters_text(const Evaluation& evaluation) {
  std::string text = fmt::format("\nmeasured by ondes {} with {}\n", evaluation.version,
                                 policy_text(evaluation.policies));
  // Neighbours that share their parameters share a line.
  std::string names;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    names += (names.empty() ? "" : ", ") + metric.name;
    if (m + 1 == evaluation.metrics.size() ||
        evaluation.metrics[m + 1].parameters != metric.parameters) {
      text += fmt::format("  {}: {}\n", names, metric.parameters);
      names.clear();
    }
  }
  std::int64_t most = 0;
  for (const System& system : evaluation.systems) {
    most = std::max(most, std::ssize(system.pairs));
  }
  if (most > 1) {
    text += fmt::format("  intervals: bootstrap over pairs, {} resamples, seed {}\n",
                        evaluation.bootstrap_resamples, evaluation.bootstrap_seed);
  }
  return text;
}

std::string gates_text(const Evaluation& evaluation) {
  std::string text;
  for (const GateResult& gate : evaluation.gates) {
    text += fmt::format("gate {}: {}\n", gate.text, gate.passed ? "passed" : "broken by");
    for (std::size_t i = 0; i < gate.broken_by.size() && i < kListed; ++i) {
      text += "  " + gate.broken_by[i] + "\n";
    }
    if (gate.broken_by.size() > kListed) {
      text += fmt::format("  ... {} more\n", gate.broken_by.size() - kListed);
    }
  }
  return text.empty() ? text : "\n" + text;
}

}  // namespace

std::string evaluation_text(const Evaluation& evaluation) {
  std::string text;
  if (evaluation.systems.size() == 2 || evaluation.systems.front().pairs.size() > 1) {
    text += few_pairs_text(evaluation);
  }
  if (evaluation.systems.size() == 2) {
    text += comparison_text(evaluation);
  } else if (evaluation.systems.front().pairs.size() == 1) {
    text += pair_text(evaluation, evaluation.systems.front().pairs.front());
  } else {
    text += corpus_text(evaluation, evaluation.systems.front());
  }
  for (const System& system : evaluation.systems) {
    text += system_remarks(system);
  }
  return text + parameters_text(evaluation) + gates_text(evaluation);
}

}  // namespace ondes
