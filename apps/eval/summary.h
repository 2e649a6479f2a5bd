// From pairs to a corpus: mean, median, deviation, intervals; two systems over common pairs.
//
// Pure functions of their input: the same seed gives the same intervals. Any thread.
#pragma once
#include "apps/eval/evaluation.h"

namespace ondes {

// Fills summaries, differences (two systems) from pairs, metrics, bootstrap_seed and _resamples.
void summarise(Evaluation& evaluation);

// Of the pairs, those that could not be measured at all.
std::int64_t failure_count(const System& system);

}  // namespace ondes
