#include "apps/eval/report/summary_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "apps/eval/report/distribution_plots.h"
#include "apps/eval/report/html_text.h"
#include "apps/eval/report/pair_rows.h"
#include "apps/eval/summary.h"

namespace ondes::report {
namespace {

constexpr std::size_t kCulpritsShown = 8;

// Column headings; those of numbers stand to the right, as the numbers do.
std::string words(std::initializer_list<std::string_view> names) {
  std::string html;
  for (const std::string_view name : names) {
    html += fmt::format("<th scope=\"col\">{}</th>", name);
  }
  return html;
}
std::string numbers(std::initializer_list<std::string_view> names) {
  std::string html;
  for (const std::string_view name : names) {
    html += fmt::format("<th scope=\"col\" class=\"n\">{}</th>", name);
  }
  return html;
}
constexpr const char* kPlotHeading = "<th scope=\"col\"><span class=\"unseen\">Plot</span></th>";

// An arrow to the better side before the name; what does not rank has none.
std::string better_html(Better better) {
  switch (better) {
    case Better::lower:
      return "<span class=\"arrow\" title=\"lower is better\">\xE2\x86\x93</span>";
    case Better::higher:
      return "<span class=\"arrow\" title=\"higher is better\">\xE2\x86\x91</span>";
    case Better::neither:
      break;
  }
  return "<span class=\"arrow\"></span>";
}

std::string metric_heading(const MetricInfo& metric, std::size_t rows) {
  return fmt::format(
      "<th scope=\"{}\" rowspan=\"{}\" class=\"metric\">{}{}{}<br><code>{}</code></th>",
      rows > 1 ? "rowgroup" : "row", rows, better_html(metric.better), escape_html(metric.label),
      metric.unit.empty() ? "" : " <span class=\"unit\">" + escape_html(metric.unit) + "</span>",
      escape_html(metric.name));
}

bool measured_somewhere(const Evaluation& evaluation, std::size_t metric) {
  return std::any_of(evaluation.systems.begin(), evaluation.systems.end(),
                     [&](const System& system) { return system.summaries.at(metric).count > 0; });
}

// A line about the metrics that no pair has; they have no rows.
std::string nowhere_measured_html(const Evaluation& evaluation) {
  std::string names;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    if (!measured_somewhere(evaluation, m)) {
      names += (names.empty() ? "" : ", ") + escape_html(evaluation.metrics[m].label);
    }
  }
  return names.empty() ? ""
                       : "<p class=\"unit\">In no pair measured: " + names +
                             " (<a href=\"#unmeasured\">why</a>).</p>\n";
}

// "[4.9, 5.3]"
std::string interval_text(std::optional<double> low, std::optional<double> high, int decimals) {
  if (!low || !high) {
    return "";
  }
  return "[" + number_text(low, decimals) + ", " + number_text(high, decimals) + "]";
}

// "4.1 \xE2\x80\xA6 7.3"
std::string range_text(const MetricSummary& summary, int decimals) {
  return summary.min && summary.max ? number_text(summary.min, decimals) + " \xE2\x80\xA6 " +
                                          number_text(summary.max, decimals)
                                    : number_text(std::nullopt, decimals);
}

// Stands above its table: how to read it, by each metric's own number of pairs.
std::string few_pairs_html(const Evaluation& evaluation, const std::vector<std::int64_t>& counts) {
  std::string few;
  bool all = true;
  std::int64_t most = 0;
  for (std::size_t m = 0; m < counts.size(); ++m) {
    if (counts[m] > 0 && counts[m] < kFewPairs) {
      few += fmt::format("{}{} ({})", few.empty() ? "" : ", ",
                         escape_html(evaluation.metrics[m].name), counts[m]);
    } else if (counts[m] > 0) {
      all = false;
    }
    most = std::max(most, counts[m]);
  }
  if (few.empty()) {
    return "";
  }
  return fmt::format("<p class=\"few\">{} too few for an interval to say much{}.</p>\n",
                     all ? counted(static_cast<std::size_t>(most), "pair is", "pairs are")
                         : fmt::format("Fewer than {} pairs are", kFewPairs),
                     all ? "" : ": " + few);
}

// "A is better", said with care where there are very few pairs.
std::string verdict_html(const Evaluation& evaluation,
                         const PairedDifference& difference,
                         bool ranks) {
  if (difference.better_system != 0 && difference.better_system != 1) {
    return ranks ? "not told apart" : "\xE2\x80\x93";
  }
  const auto winner = static_cast<std::size_t>(difference.better_system);
  const std::string label = escape_html(system_label(evaluation, winner));
  return fmt::format("<span class=\"key s{}\"></span>", winner) +
         (difference.count < kFewestToTell
              ? fmt::format("{} in {}", label,
                            difference.count == 1 ? "this pair"
                                                  : fmt::format("these {} pairs", difference.count))
              : "<strong>" + label + "</strong> is better");
}

// The sentence above the comparison. Nobody wins on the strength of very few pairs.
std::string headline_html(const Evaluation& evaluation) {
  std::size_t wins[2] = {0, 0};
  std::size_t nearer[2] = {0, 0};
  std::size_t ranking = 0;
  std::int64_t most = 0;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const PairedDifference& difference = evaluation.differences[m];
    const Better better = evaluation.metrics[m].better;
    if (difference.count == 0 || better == Better::neither) {
      continue;
    }
    ++ranking;
    most = std::max(most, difference.count);
    if (difference.better_system >= 0 && difference.count >= kFewestToTell) {
      ++wins[difference.better_system];
    }
    if (const double mean = difference.mean.value_or(0.0); mean != 0.0) {
      ++nearer[(mean < 0.0) == (better == Better::lower) ? 1 : 0];
    }
  }
  const std::string labels[2] = {escape_html(system_label(evaluation, 0)),
                                 escape_html(system_label(evaluation, 1))};
  if (most < kFewestToTell) {
    const std::size_t first = nearer[0] > nearer[1] ? 0 : 1;
    return fmt::format("<p>{} is ahead in {} of {}, {} in {}; {} too few to say.</p>\n",
                       labels[first], nearer[first], counted(ranking, "measure", "measures"),
                       labels[1 - first], nearer[1 - first],
                       counted(static_cast<std::size_t>(most), "pair is", "pairs are"));
  }
  return fmt::format(
      "<p><strong>{}</strong> is better in {} of {}, <strong>{}</strong> in {}; {} not tell them "
      "apart.</p>\n",
      labels[0], wins[0], counted(ranking, "measure", "measures"), labels[1], wins[1],
      counted(ranking - wins[0] - wins[1], "does", "do"));
}

std::string date_text(const std::string& iso) {
  // "2026-11-21T16:09:11Z" reads better with a space; what has another form stays as it is.
  std::string text = iso;
  if (text.size() == 20 && text[10] == 'T' && text.back() == 'Z') {
    text = text.substr(0, 10) + " " + text.substr(11, 5) + " UTC";
  }
  return text;
}

std::string counts_of(const Evaluation& evaluation, std::size_t s) {
  const System& system = evaluation.systems[s];
  const auto failed = static_cast<std::size_t>(
      std::count_if(system.pairs.begin(), system.pairs.end(),
                    [](const PairResult& pair) { return !pair.failure.empty(); }));
  std::string text = counted(system.pairs.size() - failed, "pair", "pairs") + " measured";
  if (failed > 0) {
    text += fmt::format(", <a href=\"#unmeasured\"><strong>{} failed</strong></a>", failed);
  }
  const std::size_t unpaired = system.only_in_reference.size() + system.only_in_generated.size();
  if (unpaired > 0) {
    text += fmt::format(", <a href=\"#unmeasured\">{} without a partner</a>",
                        counted(unpaired, "file", "files"));
  }
  return text;
}

// Of one pair: its values, without statistics.
std::string single_pair_html(const Evaluation& evaluation) {
  std::string html =
      "<section id=\"summary\">\n<h2>Summary</h2>\n<p class=\"unit\">\xE2\x86\x93 lower is better, "
      "\xE2\x86\x91 higher is better.</p>\n<div class=\"wide\"><table class=\"summary narrow\">\n"
      "<thead><tr>" +
      words({"Measure"});
  for (std::size_t s = 0; s < evaluation.systems.size(); ++s) {
    html += fmt::format("<th scope=\"col\" class=\"n\"><span class=\"key s{}\"></span>{}</th>", s,
                        escape_html(system_label(evaluation, s)));
  }
  html += "</tr></thead>\n<tbody>";
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    if (!measured_somewhere(evaluation, m)) {
      continue;
    }
    html += "<tr>" + metric_heading(evaluation.metrics[m], 1);
    for (const System& system : evaluation.systems) {
      html += fmt::format(
          "<td class=\"n strong\">{}</td>",
          number_text(value_of(&system.pairs.front(), m), evaluation.metrics[m].decimals));
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n" + nowhere_measured_html(evaluation) + "</section>\n";
}

}  // namespace

std::string title_of(const Evaluation& evaluation) {
  std::string systems;
  for (const System& system : evaluation.systems) {
    systems += (systems.empty() ? "" : " and ") + last_component(system.name);
  }
  return systems + " against " + last_component(evaluation.reference);
}

std::string opening_html(const Evaluation& evaluation) {
  std::string html = "<header>\n<p class=\"kind\">Objective evaluation</p>\n<h1>" +
                     escape_html(title_of(evaluation)) + "</h1>\n";
  html += fmt::format("<p class=\"when\">{} \xC2\xB7 ondes {}</p>\n<dl class=\"facts\">\n",
                      escape_html(date_text(evaluation.date)), escape_html(evaluation.version));
  html += "<div><dt>Reference</dt><dd class=\"path\">" + escape_html(evaluation.reference) +
          "</dd></div>\n";
  for (std::size_t s = 0; s < evaluation.systems.size(); ++s) {
    const std::string letter =
        evaluation.systems.size() > 1 ? fmt::format(" {}", static_cast<char>('A' + s)) : "";
    html += fmt::format(
        "<div><dt><span class=\"key s{}\"></span>Generated{}</dt><dd><span class=\"path\">{}</span>"
        "<br>{}</dd></div>\n",
        s, letter, escape_html(evaluation.systems[s].name), counts_of(evaluation, s));
  }
  return html + "</dl>\n</header>\n";
}

std::string gates_html(const Evaluation& evaluation) {
  if (evaluation.gates.empty()) {
    return "";
  }
  const auto broken =
      static_cast<std::size_t>(std::count_if(evaluation.gates.begin(), evaluation.gates.end(),
                                             [](const GateResult& gate) { return !gate.passed; }));
  std::string html = fmt::format(
      "<section id=\"gates\" class=\"{}\">\n<h2>{}</h2>\n<ul>\n", broken == 0 ? "held" : "broken",
      broken == 0
          ? "Passed: " + counted(evaluation.gates.size(), "threshold", "thresholds") + " met"
          : fmt::format("Failed: {} of {} not met", broken,
                        counted(evaluation.gates.size(), "threshold", "thresholds")));
  for (const GateResult& gate : evaluation.gates) {
    html += fmt::format("<li class=\"{}\"><span class=\"mark\">{}</span> <code>{}</code>",
                        gate.passed ? "held" : "broken",
                        gate.passed ? "\xE2\x9C\x93 met" : "\xE2\x9C\x97 not met",
                        escape_html(gate.text));
    if (!gate.passed && !gate.broken_by.empty()) {
      html += "<ul>";
      for (std::size_t i = 0; i < std::min(kCulpritsShown, gate.broken_by.size()); ++i) {
        html += "<li>" + escape_html(gate.broken_by[i]) + "</li>";
      }
      if (gate.broken_by.size() > kCulpritsShown) {
        html += fmt::format("<li>and {} more</li>", gate.broken_by.size() - kCulpritsShown);
      }
      html += "</ul>";
    }
    html += "</li>\n";
  }
  return html + "</ul>\n</section>\n";
}

std::string summary_html(const Evaluation& evaluation) {
  if (is_single_pair(evaluation)) {
    return single_pair_html(evaluation);
  }
  const std::size_t systems = evaluation.systems.size();
  const bool several = systems > 1;
  std::vector<std::int64_t> counts(evaluation.metrics.size());
  for (std::size_t m = 0; m < counts.size(); ++m) {
    for (const System& system : evaluation.systems) {
      counts[m] = std::max(counts[m], system.summaries.at(m).count);
    }
  }
  const std::string few = few_pairs_html(evaluation, counts);
  std::string html =
      "<section id=\"summary\">\n<h2>Summary</h2>\n<p class=\"unit\">Over the pairs that have a "
      "value. In the plots: the line spans all values, the bar the 95 % interval of the mean, the "
      "dot is the mean, the tick the median. \xE2\x86\x93 lower is better, \xE2\x86\x91 higher is "
      "better.</p>\n" +
      few +
      "<div class=\"wide\"><table class=\"summary\">\n"
      "<thead><tr>" +
      words({"Measure"}) + (several ? words({"System"}) : "") +
      numbers({"Pairs", "Mean", "95 % interval"}) + kPlotHeading +
      numbers({"Median", "Deviation", "Range"}) + "</tr></thead>\n";
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    if (!measured_somewhere(evaluation, m)) {
      continue;
    }
    html += "<tbody>";
    for (std::size_t s = 0; s < systems; ++s) {
      const MetricSummary& sum = evaluation.systems[s].summaries.at(m);
      const int d = metric.decimals;
      html += "<tr>";
      if (s == 0) {
        html += metric_heading(metric, systems);
      }
      if (systems > 1) {
        html += fmt::format("<td class=\"name\"><span class=\"key s{}\"></span>{}</td>", s,
                            escape_html(system_label(evaluation, s)));
      }
      html += fmt::format(
          "<td class=\"n\">{}{}</td><td class=\"n strong\">{}</td><td class=\"n\">{}</td><td>{}"
          "</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
          sum.count,
          sum.unmeasured > 0
              ? fmt::format(" <span class=\"unit\">of {}</span>", sum.count + sum.unmeasured)
              : "",
          number_text(sum.mean, d), interval_text(sum.mean_low, sum.mean_high, d),
          interval_plot(evaluation, m, s), number_text(sum.median, d), number_text(sum.sd, d),
          range_text(sum, d));
    }
    html += "</tbody>\n";
  }
  return html + "</table></div>\n" + nowhere_measured_html(evaluation) + "</section>\n";
}

std::string comparison_html(const Evaluation& evaluation) {
  if (evaluation.systems.size() != 2 || is_single_pair(evaluation) ||
      evaluation.differences.size() != evaluation.metrics.size()) {
    return "";
  }
  std::string rows;
  std::vector<std::int64_t> counts;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    const PairedDifference& difference = evaluation.differences[m];
    counts.push_back(difference.count);
    if (difference.count == 0) {
      continue;
    }
    const int d = metric.decimals;
    rows += fmt::format(
        "<tr>{}<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n "
        "strong\">{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"name\">{}</td></tr>\n",
        metric_heading(metric, 1), difference.count, number_text(difference.first_mean, d),
        number_text(difference.second_mean, d), number_text(difference.mean, d),
        interval_text(difference.mean_low, difference.mean_high, d), difference_plot(difference),
        verdict_html(evaluation, difference, metric.better != Better::neither));
  }
  return fmt::format("<section id=\"comparison\">\n<h2>{} and {} side by side</h2>\n",
                     escape_html(system_label(evaluation, 0)),
                     escape_html(system_label(evaluation, 1))) +
         headline_html(evaluation) + few_pairs_html(evaluation, counts) +
         "<p class=\"unit\">Second minus first, pair by pair, and both means, over the pairs that "
         "both have. A system is called better where the 95 % interval of the mean difference "
         "leaves out zero.</p>\n<div class=\"wide\"><table class=\"summary\">\n<thead><tr>" +
         words({"Measure"}) + numbers({"Pairs", "A", "B", "B \xE2\x88\x92 A", "95 % interval"}) +
         kPlotHeading + words({"Verdict"}) + "</tr></thead>\n<tbody>" + rows +
         "</tbody></table></div>\n</section>\n";
}

std::string distributions_html(const Evaluation& evaluation) {
  if (is_single_pair(evaluation)) {
    return "";
  }
  std::string cards;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    cards += distribution_plot(evaluation, m);
  }
  if (cards.empty()) {
    return "";
  }
  return "<section id=\"distributions\">\n<h2>Distributions</h2>\n<p>One dot a pair, or bars where "
         "there are many; the box holds the middle half of them, its line is the median.</p>\n"
         "<div class=\"cards\">\n" +
         cards + "</div>\n</section>\n";
}

}  // namespace ondes::report
