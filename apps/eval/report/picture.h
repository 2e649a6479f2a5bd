// Spectrograms as PNG files of one byte a pixel: time to the right, frequency up, a palette of few
// colours, which is what keeps them small.
//
// Any thread; allocates. Throws Error{io} if libpng fails, which is out of memory.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "apps/eval/pair_detail.h"
#include "apps/eval/report/colour_map.h"

namespace ondes::report {

inline constexpr int kSpectrogramColours = 64;    // 1.25 dB each of 80 dB
inline constexpr int kDifferenceColours = 49;     // odd: one of them is "no difference"
inline constexpr double kDifferenceRangeDb = 30;  // more looks like this

// pixels: row 0 on top, width * height indices into the palette of at most 256 colours.
std::vector<std::byte> png_bytes(std::span<const std::byte> pixels,
                                 int width,
                                 int height,
                                 std::span<const Colour> palette);

// -range_db is the first colour, 0 dB the last.
std::vector<std::byte> spectrogram_png(const SpectrogramImage& image, double range_db);

// generated - reference over the columns and rows that both have; empty if that is none.
std::vector<std::byte> difference_png(const SpectrogramImage& reference,
                                      const SpectrogramImage& generated);

}  // namespace ondes::report
