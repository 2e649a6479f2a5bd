// What a search found, for people, as JSON and as CSV. Pure functions: any thread.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/eval/nearest.h"

namespace ondes {

// One honest sentence: "a copy of X: from 1.20 s on, 2.00 s of it ..." or "no copy: ...".
std::string verdict(const NearestResult& result);

std::string nearest_text(const NearestSearch& search);
nlohmann::json nearest_json(const NearestSearch& search);
// A row a sound and neighbour; one with a reason for a sound that could not be searched for.
std::string nearest_csv(const NearestSearch& search);

}  // namespace ondes
