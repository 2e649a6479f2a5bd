// The policies in words: for people, for JSON and for the fingerprint of a run. Pure functions.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/eval/evaluation.h"

namespace ondes {

// "rates: resample; channels: mix; trim: none; align: none"
std::string policy_text(const EvaluationPolicies& policies);

nlohmann::json policies_to_json(const EvaluationPolicies& policies);

std::string better_name(Better better);  // "lower", "higher", "neither"

}  // namespace ondes
