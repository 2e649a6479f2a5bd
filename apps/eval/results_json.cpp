#include "apps/eval/results_json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "apps/eval/policy_names.h"
#include "apps/eval/summary.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr double kGreatest = std::numeric_limits<double>::max();
constexpr double kGreatestWhole = 9e18;
constexpr std::size_t kMaxText = 64 * 1024;

json number_or_null(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json sound_to_json(const SoundInfo& sound) {
  return {{"path", sound.path},
          {"rate_hz", sound.rate_hz},
          {"channels", sound.channels},
          {"frames", sound.frames},
          {"format", sound.format},
          {"size_bytes", sound.size_bytes},
          {"duration_s", sound.duration_s()},
          {"modified_ns", sound.modified_ns}};
}

// JsonFields reads integers of 32 bits; sizes and times have 64.
std::int64_t whole_number(const json& object, const std::string& key, const std::string& where) {
  if (!object.contains(key) || !object[key].is_number_integer()) {
    throw Error(ErrorCode::bad_input, where + ": field '" + key + "': expected a whole number");
  }
  return object[key].get<std::int64_t>();
}

SoundInfo sound_of_json(const json& object, const std::string& where) {
  JsonFields fields(object, where);
  SoundInfo sound;
  sound.path = fields.text("path", kMaxText);
  sound.rate_hz = fields.integer("rate_hz", 0, std::numeric_limits<int>::max());
  sound.channels = fields.integer("channels", 0, std::numeric_limits<int>::max());
  sound.format = fields.text("format", kMaxText);
  sound.frames = whole_number(object, "frames", where);
  sound.size_bytes = whole_number(object, "size_bytes", where);
  sound.modified_ns = whole_number(object, "modified_ns", where);
  return sound;
}

json metric_to_json(const MetricInfo& metric) {
  return {{"name", metric.name},
          {"label", metric.label},
          {"unit", metric.unit},
          {"better", better_name(metric.better)},
          {"parameters", metric.parameters}};
}

json metric_summary_to_json(const MetricSummary& summary) {
  return {{"n", summary.count},
          {"unmeasured", summary.unmeasured},
          {"mean", number_or_null(summary.mean)},
          {"median", number_or_null(summary.median)},
          {"sd", number_or_null(summary.sd)},
          {"mean_low_95", number_or_null(summary.mean_low)},
          {"mean_high_95", number_or_null(summary.mean_high)},
          {"min", number_or_null(summary.min)},
          {"max", number_or_null(summary.max)}};
}

json system_to_json(const System& system, const std::vector<MetricInfo>& metrics) {
  json summaries = json::object();
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    summaries[metrics[m].name] = metric_summary_to_json(system.summaries[m]);
  }
  json failures = json::array();
  for (const PairResult& pair : system.pairs) {
    if (!pair.failure.empty()) {
      failures.push_back({{"pair", pair.id}, {"reason", pair.failure}});
    }
  }
  return {{"system", system.name},
          {"pairs", std::ssize(system.pairs)},
          {"measured", std::ssize(system.pairs) - failure_count(system)},
          {"failures", failures},
          {"only_in_reference", system.only_in_reference},
          {"only_in_generated", system.only_in_generated},
          {"summary", summaries}};
}

}  // namespace

json pair_to_json(const PairResult& pair,
                  const std::string& system,
                  const std::vector<MetricInfo>& metrics) {
  json values = json::object();
  json unmeasured = json::object();
  json measured_with = json::object();
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    if (!pair.failure.empty()) {
      values[metrics[m].name] = nullptr;
      continue;
    }
    values[metrics[m].name] = number_or_null(pair.values[m].value);
    if (!pair.values[m].value) {
      unmeasured[metrics[m].name] = pair.values[m].reason;
    }
    if (!pair.values[m].parameters.empty()) {
      measured_with[metrics[m].name] = pair.values[m].parameters;
    }
  }
  return {{"pair", pair.id},
          {"system", system},
          {"reference", sound_to_json(pair.reference)},
          {"generated", sound_to_json(pair.generated)},
          {"notes", pair.notes},
          {"values", values},
          {"unmeasured", unmeasured},
          {"measured_with", measured_with},
          {"failure", pair.failure.empty() ? json(nullptr) : json(pair.failure)}};
}

PairLine pair_of_json(const json& object,
                      const std::vector<MetricInfo>& metrics,
                      const std::string& where) {
  JsonFields fields(object, where);
  PairLine line;
  line.pair.id = fields.text("pair", kMaxText);
  line.system = fields.text("system", kMaxText);
  line.pair.reference = sound_of_json(fields.object("reference"), where + ": reference");
  line.pair.generated = sound_of_json(fields.object("generated"), where + ": generated");
  line.pair.notes = fields.texts("notes", {}, kMaxText);
  if (object.contains("failure") && object["failure"].is_string()) {
    line.pair.failure = object["failure"].get<std::string>();
    return line;
  }
  const json& values = fields.object("values");
  JsonFields numbers(values, where + ": values");
  JsonFields reasons(fields.object("unmeasured"), where + ": unmeasured");
  JsonFields parameters(fields.object("measured_with"), where + ": measured_with");
  for (const MetricInfo& metric : metrics) {
    const bool measured = values.contains(metric.name) && !values[metric.name].is_null();
    line.pair.values.push_back(measured
                                   ? MetricValue(numbers.number(metric.name, -kGreatest, kGreatest))
                                   : MetricValue::none(reasons.text(metric.name, kMaxText)));
    line.pair.values.back().parameters = parameters.text(metric.name, "");
  }
  return line;
}

json measured_with_json(const Evaluation& evaluation) {
  json metrics = json::array();
  for (const MetricInfo& metric : evaluation.metrics) {
    metrics.push_back(metric_to_json(metric));
  }
  return {{"ondes_version", evaluation.version},
          {"policies", policies_to_json(evaluation.policies)},
          {"metrics", metrics}};
}

json summary_to_json(const Evaluation& evaluation) {
  json object = measured_with_json(evaluation);
  object["reference"] = evaluation.reference;
  object["date"] = evaluation.date;
  object["bootstrap"] = {{"resamples", evaluation.bootstrap_resamples},
                         {"seed", evaluation.bootstrap_seed}};
  object["systems"] = json::array();
  for (const System& system : evaluation.systems) {
    object["systems"].push_back(system_to_json(system, evaluation.metrics));
  }
  if (!evaluation.differences.empty()) {
    json differences = json::object();
    for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
      const PairedDifference& difference = evaluation.differences[m];
      differences[evaluation.metrics[m].name] = {
          {"n", difference.count},
          {"mean", number_or_null(difference.mean)},
          {"first_mean", number_or_null(difference.first_mean)},
          {"second_mean", number_or_null(difference.second_mean)},
          {"mean_low_95", number_or_null(difference.mean_low)},
          {"mean_high_95", number_or_null(difference.mean_high)},
          {"better",
           difference.better_system < 0
               ? json(nullptr)
               : json(
                     evaluation.systems[static_cast<std::size_t>(difference.better_system)].name)}};
    }
    object["second_minus_first"] = differences;
  }
  object["gates"] = json::array();
  for (const GateResult& gate : evaluation.gates) {
    object["gates"].push_back(
        {{"gate", gate.text}, {"passed", gate.passed}, {"broken_by", gate.broken_by}});
  }
  return object;
}

}  // namespace ondes
