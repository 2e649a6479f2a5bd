#include "apps/eval/report/picture.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace ondes::report {
namespace {

void append_bytes(png_structp png, png_bytep data, png_size_t size) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  out->insert(out->end(), bytes, bytes + size);
}

[[noreturn]] void refuse(png_structp /*png*/, png_const_charp message) {
  throw Error(ErrorCode::io, std::string("cannot make a picture: ") + message);
}
void ignore(png_structp /*png*/, png_const_charp /*message*/) {}

// The colour number of t in 0..1.
std::byte step_of(double t, int colours) {
  const double step = std::round(std::clamp(t, 0.0, 1.0) * (colours - 1));
  return static_cast<std::byte>(static_cast<int>(step));
}

// value(column, row) with row 0 at the bottom, into pixels with row 0 on top.
template <typename Value>
std::vector<std::byte> pixels_of(int columns, int rows, int colours, Value value) {
  std::vector<std::byte> pixels;
  pixels.reserve(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
  for (int row = rows - 1; row >= 0; --row) {
    for (int column = 0; column < columns; ++column) {
      pixels.push_back(step_of(value(column, row), colours));
    }
  }
  return pixels;
}

double db_at(const SpectrogramImage& image, int column, int row) {
  return static_cast<double>(
      image.db[static_cast<std::size_t>(column) * static_cast<std::size_t>(image.rows) +
               static_cast<std::size_t>(row)]);
}

}  // namespace

std::vector<std::byte> png_bytes(std::span<const std::byte> pixels,
                                 int width,
                                 int height,
                                 std::span<const Colour> palette) {
  std::vector<std::byte> bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, refuse, ignore);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
  if (info == nullptr) {
    png_destroy_write_struct(&png, nullptr);
    throw Error(ErrorCode::io, "cannot make a picture: out of memory");
  }
  try {
    png_set_write_fn(png, &bytes, append_bytes, nullptr);
    png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
                 PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    std::vector<png_color> colours;
    std::vector<png_byte> alphas;
    for (const Colour& colour : palette) {
      colours.push_back({colour.red, colour.green, colour.blue});
      alphas.push_back(colour.alpha);
    }
    png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
    if (std::any_of(alphas.begin(), alphas.end(), [](png_byte alpha) { return alpha != 255; })) {
      png_set_tRNS(png, info, alphas.data(), static_cast<int>(alphas.size()), nullptr);
    }
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);  // neighbours' numbers mean nothing
    png_set_compression_level(png, 9);
    png_write_info(png, info);
    for (int row = 0; row < height; ++row) {
      const std::byte* line =
          pixels.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(width);
      png_write_row(png, reinterpret_cast<png_const_bytep>(line));
    }
    png_write_end(png, nullptr);
  } catch (...) {
    png_destroy_write_struct(&png, &info);
    throw;
  }
  png_destroy_write_struct(&png, &info);
  return bytes;
}

std::vector<std::byte> spectrogram_png(const SpectrogramImage& image, double range_db) {
  const auto pixels =
      pixels_of(image.columns, image.rows, kSpectrogramColours,
                [&](int column, int row) { return 1.0 + db_at(image, column, row) / range_db; });
  return png_bytes(pixels, image.columns, image.rows, sequential_colours(kSpectrogramColours));
}

std::vector<std::byte> difference_png(const SpectrogramImage& reference,
                                      const SpectrogramImage& generated) {
  const int columns = std::min(reference.columns, generated.columns);
  const int rows = std::min(reference.rows, generated.rows);
  if (columns < 1 || rows < 1) {
    return {};
  }
  const auto pixels = pixels_of(columns, rows, kDifferenceColours, [&](int column, int row) {
    const double difference = db_at(generated, column, row) - db_at(reference, column, row);
    return 0.5 + 0.5 * difference / kDifferenceRangeDb;
  });
  return png_bytes(pixels, columns, rows, diverging_colours(kDifferenceColours));
}

}  // namespace ondes::report
