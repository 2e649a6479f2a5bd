#include "apps/report_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <vector>

#include "apps/eval/metric_plan.h"
#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "engine/error.h"

namespace ondes {
namespace {

// An order that was asked for may leave its unit out, as gates may ("mcd").
ReportOptions with_whole_name(ReportOptions options, const std::vector<MetricInfo>& metrics) {
  const int found = find_metric(metrics, options.order_by);
  if (found >= 0) {
    options.order_by = metrics[static_cast<std::size_t>(found)].name;
  }
  return options;
}

}  // namespace

void add_report_options(CLI::App& sub, ReportRequest& request) {
  sub.add_option(
      "--report", request.path,
      "One HTML file: intervals, distributions, pictures and players of the worst pairs");
  sub.add_option("--report-worst", request.options.worst, "Pairs that are shown in detail")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  sub.add_flag("--report-all", request.options.all, "All pairs are shown in detail");
  sub.add_option("--report-by", request.options.order_by,
                 "The metric that decides which are worst (default: the first)");
}

std::unique_ptr<ReportFile> open_report(const ReportRequest& request) {
  if (request.path.empty()) {
    if (request.options.all || !request.options.order_by.empty()) {
      throw Error(ErrorCode::usage, "--report-all and --report-by: expected --report FILE too");
    }
    return nullptr;
  }
  if (is_standard_output(request.path)) {
    throw Error(ErrorCode::usage, "--report: expected a file, found standard output");
  }
  return std::make_unique<ReportFile>(request.path);
}

void finish_report(ReportFile& file, const ReportRequest& request, const Evaluation& evaluation) {
  const DetailSource details = [&](const PairResult& pair) {
    check_interrupted();
    return detail_of(pair, evaluation.policies);
  };
  const std::size_t bytes =
      file.write(evaluation, with_whole_name(request.options, evaluation.metrics), details);
  std::fputs(fmt::format("ondes: {}: the report, {:.1f} MB\n", request.path,
                         static_cast<double>(bytes) / 1e6)
                 .c_str(),
             stderr);
}

}  // namespace ondes
