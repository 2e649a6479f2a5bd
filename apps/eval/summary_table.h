// An evaluation as text for people. Pure functions.
#pragma once
#include <string>

#include "apps/eval/evaluation.h"

namespace ondes {

// One pair: its numbers. Several: count, mean with its interval, median, deviation, the worst pair.
// Two systems: both means, the difference with its interval, who is better. Then what was measured
// with, and gates.
std::string evaluation_text(const Evaluation& evaluation);

}  // namespace ondes
