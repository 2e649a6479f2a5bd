#include "apps/eval/report/distribution_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/eval/report/html_text.h"
#include "apps/eval/report/pair_rows.h"
#include "apps/eval/report/plots.h"

namespace ondes::report {
namespace {

constexpr std::size_t kMostDots = 80;   // more are drawn as bars
constexpr std::size_t kLeastOfBox = 5;  // fewer values are their own summary
constexpr int kLaneHeightPx = 58;       // of one system in a card
constexpr int kDotsHeightPx = 40;       // of one without a box

// A line of a small plot without labels, at `low`..`high` of `axis`.
std::string bar(const PlotAxis& axis, double low, double high, double y, std::string_view style) {
  return fmt::format("<line class=\"{}\" x1=\"{:.2f}%\" x2=\"{:.2f}%\" y1=\"{}\" y2=\"{}\"/>",
                     style, 100.0 * axis.position(low), 100.0 * axis.position(high), y, y);
}

std::string dots_of(const std::vector<NamedValue>& values,
                    const MetricInfo& metric,
                    const PlotAxis& axis,
                    double top) {
  std::string svg;
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Spread over the lane's height by the golden ratio: neighbours in the list stand apart.
    const double spread =
        values.size() < 3 ? 0.5 : std::fmod(0.5 + 0.618034 * static_cast<double>(i), 1.0);
    svg += fmt::format(
        "<circle class=\"dot\" cx=\"{:.2f}%\" cy=\"{:.1f}\" r=\"3.5\"><title>{}: {} {}</title>"
        "</circle>",
        100.0 * axis.position(values[i].value), top + 8.0 + 22.0 * spread,
        escape_html(values[i].id), number_text(values[i].value, metric.decimals),
        escape_html(metric.unit));
  }
  return svg;
}

std::string bars_of(std::span<const double> sorted, const PlotAxis& axis, double top) {
  // Freedman and Diaconis: bins of twice the middle half's width over the cube root of the count.
  const double middle_half = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  const double width = 2.0 * middle_half / std::cbrt(static_cast<double>(sorted.size()));
  const double wanted = width > 0.0 ? (axis.high - axis.low) / width : 12.0;
  const auto bins = static_cast<std::size_t>(std::clamp(wanted, 8.0, 40.0));
  const std::vector<std::size_t> counts = histogram(sorted, axis.low, axis.high, bins);
  const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
  std::string svg;
  for (std::size_t i = 0; i < bins; ++i) {
    const double height = 34.0 * static_cast<double>(counts[i]) / most;
    if (counts[i] > 0) {
      svg += fmt::format(
          "<rect class=\"bin\" x=\"{:.2f}%\" width=\"{:.2f}%\" y=\"{:.1f}\" height=\"{:.1f}\">"
          "<title>{}</title></rect>",
          100.0 * static_cast<double>(i) / static_cast<double>(bins),
          100.0 / static_cast<double>(bins) - 0.3, top + 36.0 - height, height,
          counted(counts[i], "pair", "pairs"));
    }
  }
  return svg;
}

std::string box_of(std::span<const double> sorted, const PlotAxis& axis, double y) {
  const double low = quantile(sorted, 0.25);
  const double high = quantile(sorted, 0.75);
  const double median = quantile(sorted, 0.5);
  return bar(axis, sorted.front(), sorted.back(), y, "span") +
         fmt::format("<rect class=\"box\" x=\"{:.2f}%\" width=\"{:.2f}%\" y=\"{}\" height=\"10\"/>",
                     100.0 * axis.position(low), 100.0 * (axis.position(high) - axis.position(low)),
                     y - 5.0) +
         fmt::format(
             "<line class=\"median\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"{1}\" y2=\"{2}\"/>",
             100.0 * axis.position(median), y - 6.0, y + 6.0);
}

std::vector<double> all_values(const Evaluation& evaluation, std::size_t metric) {
  std::vector<double> all;
  for (const System& system : evaluation.systems) {
    for (const NamedValue& named : values_of(system, metric)) {
      all.push_back(named.value);
    }
  }
  return all;
}

}  // namespace

double quantile(std::span<const double> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = at - static_cast<double>(below);
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

std::vector<std::size_t> histogram(std::span<const double> values,
                                   double low,
                                   double high,
                                   std::size_t bins) {
  std::vector<std::size_t> counts(bins);
  for (const double value : values) {
    const double at = (value - low) / (high - low) * static_cast<double>(bins);
    const double bin = std::clamp(std::floor(at), 0.0, static_cast<double>(bins - 1));
    ++counts[static_cast<std::size_t>(bin)];
  }
  return counts;
}

std::string interval_plot(const Evaluation& evaluation, std::size_t metric, std::size_t system) {
  const MetricSummary& own = evaluation.systems[system].summaries.at(metric);
  std::vector<double> ends;
  for (const System& other : evaluation.systems) {
    const MetricSummary& summary = other.summaries.at(metric);
    for (const std::optional<double>& end :
         {summary.min, summary.max, summary.mean_low, summary.mean_high}) {
      if (end) {
        ends.push_back(*end);
      }
    }
  }
  if (!own.mean || !own.min || !own.max || ends.empty()) {
    return "";
  }
  const PlotAxis axis = axis_around(ends, "", 3);
  std::string svg = fmt::format("<svg class=\"interval s{}\" aria-hidden=\"true\">", system);
  svg += bar(axis, *own.min, *own.max, 11, "span");
  if (own.mean_low && own.mean_high) {
    svg += bar(axis, *own.mean_low, *own.mean_high, 11, "confidence");
  }
  if (own.median) {
    svg +=
        fmt::format("<line class=\"median\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"4\" y2=\"18\"/>",
                    100.0 * axis.position(*own.median));
  }
  return svg + fmt::format("<circle class=\"mean\" cx=\"{:.2f}%\" cy=\"11\" r=\"4\"/></svg>",
                           100.0 * axis.position(*own.mean));
}

std::string difference_plot(const PairedDifference& difference) {
  if (!difference.mean) {
    return "";
  }
  const double low = difference.mean_low.value_or(*difference.mean);
  const double high = difference.mean_high.value_or(*difference.mean);
  const std::vector<double> ends{low, high, 0.0};
  const PlotAxis axis = axis_around(ends, "", 3);
  const std::string side =
      difference.better_system < 0 ? "undecided" : fmt::format("s{}", difference.better_system);
  return fmt::format("<svg class=\"interval {}\" aria-hidden=\"true\">", side) +
         fmt::format("<line class=\"zero\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"0\" y2=\"22\"/>",
                     100.0 * axis.position(0.0)) +
         bar(axis, low, high, 11, "confidence") +
         fmt::format("<circle class=\"mean\" cx=\"{:.2f}%\" cy=\"11\" r=\"4\"/></svg>",
                     100.0 * axis.position(*difference.mean));
}

std::string distribution_plot(const Evaluation& evaluation, std::size_t metric) {
  const std::vector<double> all = all_values(evaluation, metric);
  if (all.empty()) {
    return "";
  }
  const MetricInfo& info = evaluation.metrics[metric];
  Plot plot;
  plot.x = axis_around(all, info.unit, 4);
  plot.y.ticks = 0;
  std::string description = info.label + ".";
  const std::size_t systems = evaluation.systems.size();
  const bool boxes = all.size() >= kLeastOfBox * systems;
  const int lane_px = boxes ? kLaneHeightPx : kDotsHeightPx;
  for (std::size_t s = 0; s < systems; ++s) {
    const std::vector<NamedValue> values = values_of(evaluation.systems[s], metric);
    if (values.empty()) {
      continue;
    }
    std::vector<double> sorted;
    for (const NamedValue& named : values) {
      sorted.push_back(named.value);
    }
    std::sort(sorted.begin(), sorted.end());
    const double top = static_cast<double>(lane_px) * static_cast<double>(s);
    plot.content += fmt::format("<g class=\"s{}\">", s);
    plot.content += values.size() > kMostDots ? bars_of(sorted, plot.x, top)
                                              : dots_of(values, info, plot.x, top);
    plot.content += (boxes ? box_of(sorted, plot.x, top + 45.0) : "") + "</g>";
    description += fmt::format(" {}: {} from {} to {}, median {}.", system_label(evaluation, s),
                               counted(values.size(), "value", "values"),
                               number_text(sorted.front(), info.decimals),
                               number_text(sorted.back(), info.decimals),
                               number_text(quantile(sorted, 0.5), info.decimals));
  }
  plot.height_px = lane_px * static_cast<int>(systems);
  plot.description = description;
  plot.title = escape_html(info.label);
  return "<div class=\"card\">" + plot_figure(plot) + "</div>\n";
}

}  // namespace ondes::report
