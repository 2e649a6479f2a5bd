// Results as JSON: a line a pair, and the whole evaluation as one object. Numbers that are not there
// are null with a reason beside them.
//
// Pure functions: any thread. Reading throws Error{bad_input}.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/eval/evaluation.h"

namespace ondes {

// One line's object: "pair", "system", the two files, notes, "values", "unmeasured",
// "measured_with" (parameters that are not those of the first line), "failure".
nlohmann::json pair_to_json(const PairResult& pair,
                            const std::string& system,
                            const std::vector<MetricInfo>& metrics);

struct PairLine {
  std::string system;
  PairResult pair;
};

// The inverse. `where` begins messages.
PairLine pair_of_json(const nlohmann::json& json,
                      const std::vector<MetricInfo>& metrics,
                      const std::string& where);

// What every number of a run depends on: version, policies, metrics with their parameters.
nlohmann::json measured_with_json(const Evaluation& evaluation);

// Everything but the single pairs: summaries, failures, unpaired sounds, differences, gates.
nlohmann::json summary_to_json(const Evaluation& evaluation);

}  // namespace ondes
