#include "apps/eval/gates.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ErrorCode::usage,
              fmt::format("--gate {}: expected a metric, <, <=, > or >=, and a number, as in "
                          "'mcd<5.0', 'mean(mcd)<5'; the aggregates are mean, median, min, max",
                          quote(text)));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// Takes "mean(" ")" or "mean:" off.
Gate::Over take_aggregate(std::string_view& name) {
  using Over = Gate::Over;
  constexpr std::array<std::pair<std::string_view, Over>, 4> kAggregates{
      {{"mean", Over::mean}, {"median", Over::median}, {"min", Over::min}, {"max", Over::max}}};
  for (const auto& [word, over] : kAggregates) {
    if (!name.starts_with(word)) {
      continue;
    }
    std::string_view rest = name.substr(word.size());
    if (rest.starts_with(':')) {
      name = trimmed(rest.substr(1));
      return over;
    }
    if (rest.starts_with('(') && rest.ends_with(')')) {
      name = trimmed(rest.substr(1, rest.size() - 2));
      return over;
    }
  }
  return Over::every_pair;
}

bool keeps(const Gate& gate, double value) {
  switch (gate.op) {
    case Gate::Operator::less:
      return value < gate.threshold;
    case Gate::Operator::at_most:
      return value <= gate.threshold;
    case Gate::Operator::greater:
      return value > gate.threshold;
    case Gate::Operator::at_least:
      return value >= gate.threshold;
  }
  return false;
}

std::optional<double> aggregate(Gate::Over over, const MetricSummary& summary) {
  switch (over) {
    case Gate::Over::mean:
      return summary.mean;
    case Gate::Over::median:
      return summary.median;
    case Gate::Over::min:
      return summary.min;
    case Gate::Over::max:
    case Gate::Over::every_pair:
      break;
  }
  return summary.max;
}

}  // namespace

Gate parse_gate(const std::string& text,
                const std::vector<MetricInfo>& metrics,
                const MetricSetting& setting) {
  Gate gate;
  gate.text = text;
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string::npos) {
    refuse(text);
  }
  const bool or_equal = at + 1 < text.size() && text[at + 1] == '=';
  gate.op = text[at] == '<' ? (or_equal ? Gate::Operator::at_most : Gate::Operator::less)
                            : (or_equal ? Gate::Operator::at_least : Gate::Operator::greater);
  const std::string_view number = trimmed(std::string_view(text).substr(at + (or_equal ? 2 : 1)));
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), gate.threshold);
  if (error != std::errc() || end != number.data() + number.size() ||
      !std::isfinite(gate.threshold)) {
    refuse(text);
  }
  std::string_view name = trimmed(std::string_view(text).substr(0, at));
  gate.over = take_aggregate(name);
  if (name.empty()) {
    refuse(text);
  }
  gate.metric = measured_metric("--gate " + quote(text), std::string(name), metrics, setting);
  return gate;
}

GateResult check_gate(const Gate& gate, const System& system, const MetricInfo& metric) {
  const auto index = static_cast<std::size_t>(gate.metric);
  GateResult result{gate.text, false, {}};
  const auto number = [&](double value) {
    return fmt::format("{:.{}f}{}{}", value, metric.decimals, metric.unit.empty() ? "" : " ",
                       metric.unit);
  };
  for (const PairResult& pair : system.pairs) {
    if (!pair.failure.empty()) {
      result.broken_by.push_back(fmt::format("{}: not measured: {}", pair.id, pair.failure));
    } else if (!pair.values[index].value) {
      result.broken_by.push_back(
          fmt::format("{}: not measured: {}", pair.id, pair.values[index].reason));
    } else if (gate.over == Gate::Over::every_pair && !keeps(gate, *pair.values[index].value)) {
      result.broken_by.push_back(fmt::format("{}: {}", pair.id, number(*pair.values[index].value)));
    }
  }
  if (gate.over != Gate::Over::every_pair) {
    const std::optional<double> value = aggregate(gate.over, system.summaries[index]);
    if (value && !keeps(gate, *value)) {
      result.broken_by.push_back(number(*value) + " over all pairs");
    }
  }
  result.passed = result.broken_by.empty();
  return result;
}

}  // namespace ondes
