// The pairs of all systems as rows with a common id, worst first.
//
// Any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"

namespace ondes::report {

struct PairRow {
  std::string id;
  std::vector<const PairResult*> results;  // one a system; null where it lacks the pair

  // No system could measure it.
  bool failed() const;
};

// The metric that decides what is worst: the one named, else the first that ranks, else the first.
// Throws Error{usage} naming the metrics there are if `name` is none of them.
std::size_t ranking_metric(const Evaluation& evaluation, const std::string& name);

// Worst by `metric` first (of two systems, the worse one counts); then pairs without that value,
// then failed ones; equals by id. Where higher and lower mean nothing, the highest is first.
std::vector<PairRow> rows_worst_first(const Evaluation& evaluation, std::size_t metric);

// The value of a metric in a result that may be null or failed.
std::optional<double> value_of(const PairResult* result, std::size_t metric);
std::string reason_of(const PairResult* result, std::size_t metric);

// All values of a metric in one system, in the order of its pairs.
struct NamedValue {
  std::string id;
  double value = 0.0;
};
std::vector<NamedValue> values_of(const System& system, std::size_t metric);

// One pair, of each system: then nothing is distributed, and there is nothing to sort.
bool is_single_pair(const Evaluation& evaluation);

// "A: hifigan" where there are two systems, "hifigan" where there is one.
std::string system_label(const Evaluation& evaluation, std::size_t system);

}  // namespace ondes::report
