#include "apps/eval/report/colour_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace ondes::report {
namespace {

using Triple = std::array<double, 3>;

// Ottosson's matrices: linear sRGB -> cone responses, and the cube roots of these -> Lab; then the
// way back.
Triple oklab_to_linear(double l, double a, double b) {
  const auto cubed = [](double x) { return x * x * x; };
  const double long_cone = cubed(l + 0.3963377774 * a + 0.2158037573 * b);
  const double medium_cone = cubed(l - 0.1055613458 * a - 0.0638541728 * b);
  const double short_cone = cubed(l - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * long_cone - 3.3077115913 * medium_cone + 0.2309699292 * short_cone,
          -1.2684380046 * long_cone + 2.6097574011 * medium_cone - 0.3413193965 * short_cone,
          -0.0041960863 * long_cone - 0.7034186147 * medium_cone + 1.7076147010 * short_cone};
}

// sRGB's transfer curve (IEC 61966-2-1), both ways.
double encoded(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1.0 / 2.4) - 0.055;
}
double decoded(double value) {
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

bool displayable(const Triple& linear) {
  constexpr double kSlack = 1e-6;  // of the matrices' own ten digits
  return std::all_of(linear.begin(), linear.end(),
                     [](double x) { return x >= -kSlack && x <= 1.0 + kSlack; });
}

// The colour of that lightness and hue with the asked chroma, or the largest that sRGB has.
Colour colour_of(double l, double chroma, double hue_degrees) {
  const double hue = hue_degrees * std::numbers::pi / 180.0;
  const auto at = [&](double c) {
    return oklab_to_linear(l, c * std::cos(hue), c * std::sin(hue));
  };
  if (!displayable(at(chroma))) {
    double low = 0.0;
    double high = chroma;
    for (int i = 0; i < 24; ++i) {
      const double middle = 0.5 * (low + high);
      (displayable(at(middle)) ? low : high) = middle;
    }
    chroma = low;
  }
  const Triple linear = at(chroma);
  const auto byte = [](double x) {
    return static_cast<std::uint8_t>(std::lround(255.0 * encoded(std::clamp(x, 0.0, 1.0))));
  };
  return {byte(linear[0]), byte(linear[1]), byte(linear[2]), 255};
}

}  // namespace

double lightness(Colour colour) {
  const double r = decoded(colour.red / 255.0);
  const double g = decoded(colour.green / 255.0);
  const double b = decoded(colour.blue / 255.0);
  return 0.2104542553 * std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) +
         0.7936177850 * std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) -
         0.0040720468 * std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
}

std::vector<Colour> sequential_colours(int steps) {
  std::vector<Colour> colours;
  for (int i = 0; i < steps; ++i) {
    const double t = static_cast<double>(i) / (steps - 1);
    const double chroma = 0.20 * std::pow(std::sin(std::numbers::pi * (0.06 + 0.82 * t)), 0.8);
    colours.push_back(colour_of(0.13 + 0.84 * t, chroma, 282.0 + 180.0 * t));
  }
  return colours;
}

std::vector<Colour> diverging_colours(int steps) {
  // One lightness for both ends: what differs along an arm is how much of the ground shows.
  const Colour less = colour_of(0.58, 0.19, 255.0);
  const Colour more = colour_of(0.58, 0.21, 28.0);
  std::vector<Colour> colours;
  const int middle = steps / 2;
  for (int i = 0; i < steps; ++i) {
    Colour colour = i < middle ? less : more;
    colour.alpha = static_cast<std::uint8_t>(
        std::lround(255.0 * std::abs(i - middle) / static_cast<double>(middle)));
    colours.push_back(colour);
  }
  return colours;
}

}  // namespace ondes::report
