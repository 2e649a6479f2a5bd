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

// Before anything is measured: the report's file, open; null if none is asked for. What it may
// replace is known by then. Throws Error{usage} for options without a report and for standard
// output, Error{io} where the file cannot be written.
std::unique_ptr<ReportFile> open_report(const ReportRequest& request);

// Details computed, page written, a line about it on standard error. Throws Error{interrupted}
// after a signal; then there is no report.
void finish_report(ReportFile& file, const ReportRequest& request, const Evaluation& evaluation);

}  // namespace ondes
