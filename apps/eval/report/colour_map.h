// Colours for pictures of numbers, with equal steps of lightness for equal steps of the number, so
// that no edge appears in the picture that is not in the data, and it prints well without colour.
//
// Made in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020): a path in
// (lightness, chroma, hue), chroma lowered where the path leaves sRGB.
//
// Any thread.
#pragma once
#include <cstdint>
#include <vector>

namespace ondes::report {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  std::uint8_t alpha = 255;
};

// The OKLab lightness of a colour, 0 black to 1 white; alpha is not looked at.
double lightness(Colour colour);

// From near black by violet and red to pale yellow; `steps` >= 2.
std::vector<Colour> sequential_colours(int steps);
// Blue for less, red for more, transparent for no difference, so that the middle is the page's own
// ground, light or dark. `steps` >= 3 and odd.
std::vector<Colour> diverging_colours(int steps);

}  // namespace ondes::report
