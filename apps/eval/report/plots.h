// Diagrams as inline SVG whose text keeps its size at every width: positions are percentages, curves
// are stretched beneath their strokes. Colours and type come from the page's style sheet.
//
// Any thread.
#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondes::report {

struct PlotAxis {
  double low = 0.0;
  double high = 1.0;
  std::string unit;
  bool logarithmic = false;  // then low > 0
  int ticks = 5;             // about that many; 0: none

  // 0 at low, 1 at high; outside of that for what lies outside.
  double position(double value) const;
};

// Round numbers inside the axis: steps of 1, 2 or 5 times a power of ten (a logarithmic axis of
// more than a decade: 1, 2, 5 of each; of more than four: each decade).
std::vector<double> tick_values(const PlotAxis& axis);

// An axis that holds all values with a little room; of width 1 around a single one.
PlotAxis axis_around(std::span<const double> values, std::string unit, int ticks);

struct CurvePoint {
  double x = 0.0;
  double y = 0.0;
};

// One line through the points inside the frame of two axes; `style` is a class of the style sheet.
// Points of a run are joined, runs are not.
std::string curve(const PlotAxis& x,
                  const PlotAxis& y,
                  std::span<const std::vector<CurvePoint>> runs,
                  std::string_view style);

// At most `most` points: of each stretch the lowest and the highest, so that no peak is lost.
std::vector<CurvePoint> thinned(std::vector<CurvePoint> points, std::size_t most);

struct Plot {
  std::string title;        // HTML above it
  std::string description;  // plain text, for those who do not see it
  PlotAxis x;
  PlotAxis y;
  int height_px = 160;
  bool square = false;    // as high as wide
  bool has_time = false;  // x is the time of the sounds: a line follows their playing
  std::string content;    // SVG inside the frame, positions in per cent, y downwards
};

std::string plot_figure(const Plot& plot);

// An image stretched over part of a frame: 0..100 per cent of its width, all of its height.
std::string image_in_plot(std::span<const std::byte> png, double width_percent);

}  // namespace ondes::report
