// A whole run: pairing, measuring, summing up, gates. What stands between the command line and the
// data.
//
// Main thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/progress.h"

namespace ondes {

struct EvaluationRequest {
  std::string reference;               // "" with a manifest
  std::vector<std::string> generated;  // one system, or two to compare; none with a manifest
  std::string manifest;
  std::vector<std::string> metrics{"must"};
  std::vector<std::string> gates;
  EvaluationPolicies policies;
  int threads = 0;    // 0: one a processor
  std::string jsonl;  // "": none
  bool resume = false;
  bool require_all = false;  // a sound without a partner is an error
  std::uint64_t bootstrap_seed = 0;
  int bootstrap_resamples = 10000;
  std::string report_order;  // a metric that must be measured, for --report-by; "": any
  std::vector<std::string>
      outputs;  // of the caller: Error{usage} if one is a file that is measured
  ProgressMode progress = ProgressMode::automatic;
};

// Throws Error for what makes the run as a whole impossible; a pair that cannot be measured is part
// of the result. Gates are held against the last system: of two the second is the candidate.
// Throws Error{interrupted} after a signal; with `jsonl` what was measured by then is in there.
Evaluation run_evaluation(const EvaluationRequest& request);

}  // namespace ondes
