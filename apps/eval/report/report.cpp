#include "apps/eval/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "apps/eval/report/detail_section.h"
#include "apps/eval/report/html_text.h"
#include "apps/eval/report/page_assets_internal.h"
#include "apps/eval/report/pair_rows.h"
#include "apps/eval/report/pair_sections.h"
#include "apps/eval/report/summary_sections.h"

namespace ondes {
namespace {

using namespace report;

// Nothing may be fetched; what stands in the page itself may be used. An icon of its own keeps
// browsers from asking for one.
constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
    "media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' "
    "viewBox='0 0 16 16'%3E%3Cpath d='M1 8q2-9 4 0t4 0 4 0 2-4' fill='none' stroke='%230a62c4' "
    "stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E\">\n";

std::string head_html(const Evaluation& evaluation) {
  return fmt::format(
      "{}<meta name=\"generator\" content=\"ondes {}\">\n<title>{}</title>\n<style>{}</style>\n"
      "</head>\n<body>\n",
      kHead, escape_html(evaluation.version), escape_html(title_of(evaluation)), kPageStyle);
}

struct Section {
  std::string_view anchor;
  std::string_view name;
  std::string html;
};

std::string navigation_html(const std::vector<Section>& sections) {
  std::string html = "<nav aria-label=\"Sections\">";
  for (const Section& section : sections) {
    if (!section.html.empty()) {
      html += fmt::format("<a href=\"#{}\">{}</a>", section.anchor, section.name);
    }
  }
  return html + "</nav>\n";
}

std::vector<PairDetail> details_of(const PairRow& row, const DetailSource& detail_of) {
  std::vector<PairDetail> details;
  for (const PairResult* result : row.results) {
    details.push_back(result != nullptr && result->failure.empty() ? detail_of(*result)
                                                                   : PairDetail{});
  }
  return details;
}

}  // namespace

void write_report(const Evaluation& evaluation,
                  const ReportOptions& options,
                  const DetailSource& detail_of,
                  const HtmlSink& sink) {
  const std::size_t metric = ranking_metric(evaluation, options.order_by);
  const std::vector<PairRow> rows = rows_worst_first(evaluation, metric);
  const auto measured = static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const PairRow& row) { return !row.failed(); }));
  const std::size_t detailed =
      options.all ? measured
                  : std::min(measured, static_cast<std::size_t>(std::max(0, options.worst)));
  const std::vector<Section> sections = {
      {"comparison", "Side by side", comparison_html(evaluation)},
      {"summary", "Summary", summary_html(evaluation)},
      {"distributions", "Distributions", distributions_html(evaluation)},
      {"pairs", "All pairs", pairs_html(evaluation, rows, metric, detailed)},
      {"unmeasured", "Not measured", unmeasured_html(evaluation)},
      {"details", "Details",
       detailed == 0
           ? ""
           : fmt::format("<section id=\"details\">\n<h2>{}</h2>\n",
                         is_single_pair(evaluation) ? "Details"
                         : detailed == measured
                             ? "Details of all pairs that were measured"
                             : "Details of the worst " + counted(detailed, "pair", "pairs"))},
      {"method", "How it was measured", method_html(evaluation)},
  };
  sink(head_html(evaluation));
  sink(opening_html(evaluation));
  sink(gates_html(evaluation));
  sink(navigation_html(sections));
  SoundBudget budget;
  for (const Section& section : sections) {
    sink(section.html);
    if (section.anchor == "details" && detailed > 0) {
      for (std::size_t i = 0; i < detailed; ++i) {
        sink(pair_html(evaluation, rows[i], i, details_of(rows[i], detail_of), budget));
      }
      sink("</section>\n");
    }
  }
  sink(
      fmt::format("<footer>Written by ondes {}. This page holds all it shows and loads nothing."
                  "</footer>\n<script>{}</script>\n</body>\n</html>\n",
                  escape_html(evaluation.version), kPageScript));
}

std::size_t ReportFile::write(const Evaluation& evaluation,
                              const ReportOptions& options,
                              const DetailSource& detail_of) {
  std::size_t bytes = 0;
  write_report(evaluation, options, detail_of, [&](std::string_view html) {
    file_.write(std::as_bytes(std::span(html)));
    bytes += html.size();
  });
  file_.commit();
  return bytes;
}

}  // namespace ondes
