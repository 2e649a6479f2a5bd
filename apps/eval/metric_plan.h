// Which metrics a run measures, and the measuring of one pair.
//
// Metrics come in groups that share work (one pitch track, several numbers). A group that cannot be
// measured (too short, wrong rate) gives its reason for each of its numbers and leaves the others
// alone.
//
// Set-up thread: constructor. Any thread, several at once: everything else.
#pragma once
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/metric_group_internal.h"

namespace ondes {

class MetricPlan {
 public:
  // `names`: "must", "all", or metrics; a name may leave its unit out ("mcd"). The order is the
  // table's, whatever the order asked for. Throws Error{usage} for a name that is not there, and
  // lists those that are of this kind.
  MetricPlan(const std::vector<std::string>& names, const MetricSetting& setting);

  const std::vector<MetricInfo>& metrics() const { return metrics_; }
  // As many values as metrics(). Throws Error{interrupted} after a signal, and nothing else.
  std::vector<MetricValue> measure(const MetricInput& input) const;

 private:
  struct Part {
    const MetricGroup* group = nullptr;
    std::vector<int> outputs;  // of each row of the group: where its value goes; -1: nowhere
  };
  void stamp_other_rate(int rate_hz, std::vector<MetricValue>& values) const;

  MetricSetting setting_;  // that metrics() states parameters for
  std::vector<MetricInfo> metrics_;
  std::vector<Part> parts_;
};

// Every metric there is, for help and documentation.
std::vector<MetricInfo> all_metrics(const MetricSetting& setting);

// Those of --metrics must.
std::vector<MetricInfo> must_metrics(const MetricSetting& setting);

// The index of the metric called `name`, which may leave the unit out ("mcd" for mcd_db), or -1.
int find_metric(const std::vector<MetricInfo>& metrics, const std::string& name);

// The index of the metric called `name` among those that a run measures. Throws Error{usage} that
// begins with `option`, and says how to have a metric measured that the run could.
int measured_metric(const std::string& option,
                    const std::string& name,
                    const std::vector<MetricInfo>& measured,
                    const MetricSetting& setting);

// "mcd_db, mcd_sync_db, ..."
std::string metric_names(const std::vector<MetricInfo>& metrics);

}  // namespace ondes
