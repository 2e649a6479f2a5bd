// Thresholds for scripts: "mcd<5.0", "mean(f0_rmse_cents)<20", "stoi>=0.9".
//
//   gate       = [aggregate] name operator number      aggregate = mean(name) or mean:name, and
//   operator   = < | <= | > | >=                       median, min, max in its place
//
// Without an aggregate every pair must keep it. A name may leave its unit out. What is not measured
// breaks a gate, whatever the operator: a pair that failed, a value that has a reason instead.
//
// Pure functions: any thread.
#pragma once
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/metric_plan.h"

namespace ondes {

struct Gate {
  enum class Over { every_pair, mean, median, min, max };
  enum class Operator { less, at_most, greater, at_least };

  std::string text;
  int metric = 0;  // index into the run's metrics
  Over over = Over::every_pair;
  Operator op = Operator::less;
  double threshold = 0.0;
};

// Throws Error{usage} for a text that is no gate and for a metric that the run does not measure.
Gate parse_gate(const std::string& text,
                const std::vector<MetricInfo>& metrics,
                const MetricSetting& setting);

GateResult check_gate(const Gate& gate, const System& system, const MetricInfo& metric);

}  // namespace ondes
