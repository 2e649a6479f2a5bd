#include "apps/eval/report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/eval/report/html_text.h"

namespace ondes::report {
namespace {

// A curve's own units: whole numbers of these are finer than any screen.
constexpr double kCurveUnits = 8000.0;

std::vector<double> linear_ticks(const PlotAxis& axis) {
  const double raw = (axis.high - axis.low) / axis.ticks;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10.0 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  const double slack = 1e-9 * step;
  for (double i = std::ceil((axis.low - slack) / step); i * step <= axis.high + slack; ++i) {
    ticks.push_back(i * step);
  }
  return ticks;
}

std::vector<double> logarithmic_ticks(const PlotAxis& axis) {
  const double decades = std::log10(axis.high / axis.low);
  if (decades < 0.8) {
    return linear_ticks(axis);
  }
  const std::vector<double> factors =
      decades > 4.0 ? std::vector<double>{1.0} : std::vector<double>{1.0, 2.0, 5.0};
  std::vector<double> ticks;
  for (double power = std::pow(10.0, std::floor(std::log10(axis.low))); power <= axis.high;
       power *= 10.0) {
    for (const double factor : factors) {
      if (factor * power >= axis.low && factor * power <= axis.high) {
        ticks.push_back(factor * power);
      }
    }
  }
  return ticks;
}

std::string axis_marks(const Plot& plot) {
  std::string svg;
  const std::vector<double> across = tick_values(plot.x);
  for (const double value : across) {
    const double at = 100.0 * plot.x.position(value);
    const bool last = value == across.back();
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.2f}%\" x2=\"{0:.2f}%\" y1=\"0\" y2=\"100%\"/>"
        "<text class=\"tick\" x=\"{0:.2f}%\" y=\"100%\" dy=\"15\" text-anchor=\"middle\">{1}{2}"
        "</text>",
        at, short_number(value), last && !plot.x.unit.empty() ? " " + plot.x.unit : "");
  }
  const std::vector<double> up = tick_values(plot.y);
  for (const double value : up) {
    const double at = 100.0 - 100.0 * plot.y.position(value);
    const bool last = value == up.back();
    svg += fmt::format(
        "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0:.2f}%\" y2=\"{0:.2f}%\"/>"
        "<text class=\"tick\" x=\"-6\" y=\"{0:.2f}%\" dy=\"4\" text-anchor=\"end\">{1}{2}</text>",
        at, short_number(value), last && !plot.y.unit.empty() ? " " + plot.y.unit : "");
  }
  return svg;
}

}  // namespace

double PlotAxis::position(double value) const {
  if (logarithmic) {
    return std::log(value / low) / std::log(high / low);
  }
  return (value - low) / (high - low);
}

std::vector<double> tick_values(const PlotAxis& axis) {
  if (axis.ticks < 1) {
    return {};
  }
  return axis.logarithmic ? logarithmic_ticks(axis) : linear_ticks(axis);
}

PlotAxis axis_around(std::span<const double> values, std::string unit, int ticks) {
  PlotAxis axis;
  axis.unit = std::move(unit);
  axis.ticks = ticks;
  if (values.empty()) {
    return axis;
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double width = *high - *low;
  // Around one value, or values that differ in rounding alone, a width of their own size.
  const double least = 1e-6 * std::max(std::fabs(*low), std::fabs(*high));
  const double room = width > least ? 0.06 * width : std::max(0.5, 0.1 * std::fabs(*high));
  axis.low = *low - room;
  axis.high = *high + room;
  return axis;
}

std::string curve(const PlotAxis& x,
                  const PlotAxis& y,
                  std::span<const std::vector<CurvePoint>> runs,
                  std::string_view style) {
  std::string path;
  for (const std::vector<CurvePoint>& run : runs) {
    char letter = 'M';
    for (const CurvePoint& point : run) {
      const double across = std::clamp(x.position(point.x), -1.0, 2.0);
      const double up = std::clamp(y.position(point.y), -1.0, 2.0);
      path += fmt::format("{}{} {}", letter, std::lround(kCurveUnits * across),
                          std::lround(kCurveUnits * (1.0 - up)));
      letter = 'L';
    }
    if (run.size() == 1) {
      path += "h1";  // a point of its own is seen by its round ends
    }
  }
  return fmt::format(
      "<svg viewBox=\"0 0 {0} {0}\" preserveAspectRatio=\"none\" width=\"100%\" height=\"100%\">"
      "<path class=\"{1}\" d=\"{2}\"/></svg>",
      kCurveUnits, style, path);
}

std::vector<CurvePoint> thinned(std::vector<CurvePoint> points, std::size_t most) {
  if (points.size() <= most || most < 4) {
    return points;
  }
  const auto lower = [](const CurvePoint& a, const CurvePoint& b) { return a.y < b.y; };
  const std::size_t stretches = most / 2;
  std::vector<CurvePoint> kept;
  for (std::size_t i = 0; i < stretches; ++i) {
    const auto begin = points.begin() + static_cast<std::ptrdiff_t>(i * points.size() / stretches);
    const auto end =
        points.begin() + static_cast<std::ptrdiff_t>((i + 1) * points.size() / stretches);
    const auto [low, high] = std::minmax_element(begin, end, lower);
    kept.push_back(std::min(low, high) == low ? *low : *high);
    if (low != high) {
      kept.push_back(std::min(low, high) == low ? *high : *low);
    }
  }
  return kept;
}

std::string plot_figure(const Plot& plot) {
  std::string html = "<figure class=\"plot\">";
  if (!plot.title.empty()) {
    html += "<figcaption>" + plot.title + "</figcaption>";
  }
  html += fmt::format("<svg class=\"frame{}{}\" role=\"img\" aria-label=\"{}\"",
                      plot.square ? " square" : "", plot.has_time ? " timed" : "",
                      escape_html(plot.description));
  if (plot.has_time) {
    html += fmt::format(" data-low=\"{:.6g}\" data-high=\"{:.6g}\"", plot.x.low, plot.x.high);
  }
  html += plot.square ? ">" : fmt::format(" style=\"height:{}px\">", plot.height_px);
  html += "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>";
  html += plot.content;
  html += axis_marks(plot);
  if (plot.has_time) {
    html += "<line class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"100%\"/>";
  }
  return html + "</svg></figure>\n";
}

std::string image_in_plot(std::span<const std::byte> png, double width_percent) {
  return fmt::format(
      "<image href=\"{}\" width=\"{:.3f}%\" height=\"100%\" preserveAspectRatio=\"none\"/>",
      data_uri("image/png", png), width_percent);
}

}  // namespace ondes::report
