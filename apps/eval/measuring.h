// All pairs of a system, measured on several threads. A pair that cannot be measured is a result
// with its reason; it never ends the run.
//
// Calling thread: measure_pairs(); the callback comes from the workers, one at a time.
#pragma once
#include <functional>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/metric_plan.h"
#include "apps/eval/pairing.h"

namespace ondes {

// One pair, start to end. Never throws for what is wrong with a sound; Error{interrupted} after a
// signal.
PairResult measure_pair(const PairFiles& files,
                        const EvaluationPolicies& policies,
                        const MetricPlan& plan);

struct MeasuringOptions {
  int threads = 0;  // 0: one a processor
  // After each pair, in the order in which they are done. What it throws ends the run and is thrown
  // again by measure_pairs().
  std::function<void(const PairResult&)> on_result;
};

using PairMeasure = std::function<PairResult(const PairFiles&)>;

// One result a pair, in the order of `pairs`. Throws Error{interrupted} if a signal came; what was
// done by then went to on_result.
std::vector<PairResult> measure_pairs(const std::vector<PairFiles>& pairs,
                                      const PairMeasure& measure,
                                      const MeasuringOptions& options);

}  // namespace ondes
