// The options of `ondes eval` that ask for a report, and what they lead to.
//
// Main thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/report/report.h"

namespace CLI {
class App;
}

namespace ondes {

struct ReportRequest {
  std::string path;  // "": no report
  ReportOptions options;
};

void add_report_options(CLI::App& sub, ReportRequest& request);

// Before anything is measured: the report's file, open; null if none is asked for. Throws
// Error{usage} for options without a report, an order that no metric has, standard output, an
// input as output, or a file that is no report (which `force` does not replace either); Error{io}
// where a file would be replaced without `force`, or cannot be written.
std::unique_ptr<ReportFile> open_report(const ReportRequest& request,
                                        const std::vector<std::string>& inputs,
                                        bool force);

// Details computed, page written, a line about it on standard error. Throws Error{interrupted}
// after a signal; then there is no report.
void finish_report(ReportFile& file, const ReportRequest& request, const Evaluation& evaluation);

}  // namespace ondes
