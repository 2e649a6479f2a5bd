#include "apps/eval/report/pair_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/eval/report/html_text.h"

namespace ondes::report {
namespace {

constexpr std::size_t kNamesShown = 20;

// A heading that sorts; `more` are attributes of its cell.
std::string sort_button(const std::string& label, std::size_t column, const std::string& more) {
  return fmt::format(
      "<th scope=\"col\"{}><button type=\"button\" data-column=\"{}\">{}</button></th>", more,
      column, label);
}

// The key: short, and what tables, files and gates call it too. It may break at its underscores.
std::string metric_key(const MetricInfo& metric) {
  std::string key;
  for (const char letter : metric.name) {
    key += letter == '_' ? "_<wbr>" : escape_html(std::string_view(&letter, 1));
  }
  return "<span title=\"" + escape_html(metric.label) + "\">" + key + "</span>";
}

// One row of headings; with two systems a second one, whose buttons are the systems.
std::string table_head(const Evaluation& evaluation, std::size_t ranked) {
  const std::size_t systems = evaluation.systems.size();
  const bool descending =
      ranked >= evaluation.metrics.size() || evaluation.metrics[ranked].better != Better::higher;
  const std::string sorted = descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"";
  const std::string tall = systems > 1 ? " rowspan=\"2\"" : "";
  std::string first = sort_button("Pair", 0, tall) + sort_button("Seconds", 1, tall);
  std::string second;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const std::string label = metric_key(evaluation.metrics[m]);
    if (systems < 2) {
      first += sort_button(label, 2 + m, m == ranked ? sorted : "");
      continue;
    }
    first += fmt::format("<th scope=\"colgroup\" colspan=\"{}\">{}</th>", systems, label);
    for (std::size_t s = 0; s < systems; ++s) {
      // The dot has a name: a heading read aloud has to say whose values it sorts.
      second += sort_button(
          fmt::format("<span class=\"key s{}\"></span>{}<span class=\"unseen\">, {}</span>", s,
                      static_cast<char>('A' + s), escape_html(evaluation.metrics[m].label)),
          2 + m * systems + s, "");
    }
  }
  return "<thead><tr>" + first + "</tr>" + (systems > 1 ? "<tr>" + second + "</tr>" : "") +
         "</thead>\n";
}

// "hifigan: reason; melgan: reason", or the reason alone where there is one system.
std::string failures_of(const Evaluation& evaluation, const PairRow& row) {
  std::string text;
  for (std::size_t s = 0; s < row.results.size(); ++s) {
    text += text.empty() ? "" : "; ";
    text += (row.results.size() > 1 ? system_label(evaluation, s) + ": " : "") +
            reason_of(row.results[s], 0);
  }
  return text;
}

std::string table_row(const Evaluation& evaluation,
                      const PairRow& row,
                      std::size_t index,
                      bool detailed) {
  std::string name = escape_html(row.id);
  if (detailed) {
    name = fmt::format("<a href=\"#{}\">{}</a>", pair_anchor(index), name);
  }
  const auto present = std::find_if(row.results.begin(), row.results.end(),
                                    [](const PairResult* result) { return result != nullptr; });
  // A score has no length of its own: its render has.
  const double seconds = present == row.results.end()        ? 0.0
                         : (*present)->reference.rate_hz > 0 ? (*present)->reference.duration_s()
                                                             : (*present)->generated.duration_s();
  std::string html =
      fmt::format("<tr{}><th scope=\"row\">{}</th><td class=\"n\">{}</td>",
                  row.failed() ? " class=\"failed\"" : "", name, number_text(seconds, 2));
  if (row.failed()) {
    return html + fmt::format("<td colspan=\"{}\"><strong>Failed.</strong> {}</td></tr>\n",
                              evaluation.metrics.size() * row.results.size(),
                              escape_html(failures_of(evaluation, row)));
  }
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    for (const PairResult* result : row.results) {
      const std::optional<double> value = value_of(result, m);
      html += value ? fmt::format("<td class=\"n\">{}</td>",
                                  number_text(value, evaluation.metrics[m].decimals))
                    : fmt::format("<td class=\"n none\" title=\"{}\">\xE2\x80\x93</td>",
                                  escape_html(reason_of(result, m)));
    }
  }
  return html + "</tr>\n";
}

// "a, b, c and 7 more", escaped.
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamesShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + escape_html(names[i]);
  }
  if (names.size() > kNamesShown) {
    text += fmt::format(" and {} more", names.size() - kNamesShown);
  }
  return text;
}

std::string unmeasured_of(const Evaluation& evaluation, const System& system) {
  std::string items;
  std::map<std::string, std::vector<std::string>> by_reason;  // HTML of what and why -> pairs
  for (const PairResult& pair : system.pairs) {
    if (!pair.failure.empty()) {
      items += "<li><strong>" + escape_html(pair.id) +
               "</strong> failed: " + escape_html(pair.failure) + "</li>\n";
      continue;
    }
    for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
      if (!value_of(&pair, m)) {
        by_reason[escape_html(evaluation.metrics[m].label) + ": " +
                  escape_html(reason_of(&pair, m))]
            .push_back(pair.id);
      }
    }
  }
  for (const auto& [reason, ids] : by_reason) {
    items += fmt::format("<li>{} <span class=\"unit\">({}: {})</span></li>\n", reason,
                         counted(ids.size(), "pair", "pairs"), some_of(ids));
  }
  if (!system.only_in_reference.empty()) {
    items += "<li>Only among the references: " + some_of(system.only_in_reference) + "</li>\n";
  }
  if (!system.only_in_generated.empty()) {
    items += "<li>Only among the generated: " + some_of(system.only_in_generated) + "</li>\n";
  }
  return items.empty() ? "" : "<ul>\n" + items + "</ul>\n";
}

std::string policies_html(const EvaluationPolicies& p) {
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escape_html(value));
  };
  using Policies = EvaluationPolicies;
  std::string html = "<dl class=\"facts\">\n";
  html += row("Different sample rates", p.rate_mismatch == Policies::RateMismatch::resample
                                            ? "the generated sound is resampled to the reference's"
                                            : "refused");
  html += row("Several channels", p.channels == Policies::Channels::mix ? "their mean" : "refused");
  html += row("Silence at the ends",
              p.trim == Policies::Trim::none
                  ? "kept"
                  : fmt::format("trimmed below {} dB under the peak, each sound by itself",
                                short_number(p.trim_below_peak_db)));
  html += row("Alignment", p.align == Policies::Align::none
                               ? "as the files are"
                               : fmt::format("one delay by cross-correlation, at most {} s",
                                             short_number(p.max_delay_s)));
  html += row("Profile of the mel-cepstral distortion", p.mcd_profile);
  if (!p.f0_reference_folder.empty() || !p.f0_generated_folder.empty()) {
    const auto origin = [](const std::string& folder) {
      return folder.empty() ? std::string("measured") : "from " + folder;
    };
    html += row("Pitch of the references", origin(p.f0_reference_folder));
    html += row("Pitch of the generated", origin(p.f0_generated_folder));
  }
  return html + "</dl>\n";
}

}  // namespace

std::string pair_anchor(std::size_t row) {
  return fmt::format("pair-{}", row + 1);
}

std::string pairs_html(const Evaluation& evaluation,
                       std::span<const PairRow> rows,
                       std::size_t metric,
                       std::size_t detailed) {
  if (rows.empty() || is_single_pair(evaluation)) {
    return "";
  }
  std::string order = "";
  if (metric < evaluation.metrics.size()) {
    order = fmt::format("{} first by <code>{}</code>{}. ",
                        evaluation.metrics[metric].better == Better::neither ? "Highest" : "Worst",
                        escape_html(evaluation.metrics[metric].name),
                        evaluation.systems.size() > 1 ? " of the worse system" : "");
  }
  std::string html =
      "<section id=\"pairs\">\n<h2>All pairs</h2>\n<p>" + order +
      "The headings sort. <span class=\"only-script\"><label>Show names with <input "
      "type=\"search\" "
      "id=\"filter\" autocomplete=\"off\"></label> <span id=\"shown\" "
      "role=\"status\"></span></span>"
      "</p>\n<div class=\"wide tall\" tabindex=\"0\" role=\"region\" aria-label=\"All pairs\">"
      "<table class=\"sortable\" id=\"all\">\n" +
      table_head(evaluation, metric) + "<tbody>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    html += table_row(evaluation, rows[i], i, i < detailed);
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::string unmeasured_html(const Evaluation& evaluation) {
  std::string html;
  for (std::size_t s = 0; s < evaluation.systems.size(); ++s) {
    const std::string items = unmeasured_of(evaluation, evaluation.systems[s]);
    if (!items.empty() && evaluation.systems.size() > 1) {
      html += "<h3>" + escape_html(system_label(evaluation, s)) + "</h3>\n";
    }
    html += items;
  }
  return html.empty()
             ? ""
             : "<section id=\"unmeasured\">\n<h2>Not measured</h2>\n" + html + "</section>\n";
}

std::string method_html(const Evaluation& evaluation) {
  std::string html = "<section id=\"method\">\n<h2>How it was measured</h2>\n" +
                     policies_html(evaluation.policies);
  html += fmt::format(
      "<p>95 % intervals: bootstrap of the mean over pairs, {} resamples, seed {}.{}</p>\n"
      "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Measure</th><th scope=\"col\">Key"
      "</th><th scope=\"col\">Parameters</th></tr></thead>\n<tbody>\n",
      evaluation.bootstrap_resamples, evaluation.bootstrap_seed,
      evaluation.systems.size() > 1
          ? " Of differences between systems: the same, over the differences of each pair."
          : "");
  for (const MetricInfo& metric : evaluation.metrics) {
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td><code>{}</code></td><td class=\"parameters\">{}</td>"
        "</tr>\n",
        escape_html(metric.label), escape_html(metric.name), escape_html(metric.parameters));
  }
  return html + "</tbody></table></div>\n</section>\n";
}

}  // namespace ondes::report
