// From pairs to a corpus: mean, median, deviation, intervals; two systems over common pairs.
//
// Pure functions of their input: the same seed gives the same intervals. Any thread.
#pragma once
#include "apps/eval/evaluation.h"

namespace ondes {

// Two-sided, five signs alike still come by chance once in 16: with fewer pairs an interval is an
// ornament,
inline constexpr std::int64_t kFewPairs = 6;
// and with fewer than these nobody is called better on its strength.
inline constexpr std::int64_t kFewestToTell = 5;

// Fills summaries, differences (two systems) from pairs, metrics, bootstrap_seed and _resamples.
void summarise(Evaluation& evaluation);

// Of the pairs, those that could not be measured at all.
std::int64_t failure_count(const System& system);

}  // namespace ondes
