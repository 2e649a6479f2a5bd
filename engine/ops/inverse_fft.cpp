#include "engine/ops/inverse_fft.h"

#include <cstddef>
#include <string>
#include <utility>

#include "engine/error.h"

namespace ondes {
namespace {

std::size_t index(int i) {
  return static_cast<std::size_t>(i);
}

// cos and sin of 2 pi k / n in double precision by IEEE operations: a Taylor series on an eighth of
// a turn (its 11th term is below 1e-18), the rest by symmetry.
std::pair<float, float> turn(int k, int n) {
  const int quarter = (8 * k / n + 1) / 2;  // nearest quarter turn
  const double x = 6.283185307179586 * (static_cast<double>(4LL * k - 1LL * quarter * n) / 4.0) / n;
  double sine = 0.0;
  double cosine = 0.0;
  double term = 1.0;
  for (int power = 0; power < 22; ++power) {
    const double sign = (power / 2) % 2 == 0 ? 1.0 : -1.0;
    (power % 2 == 0 ? cosine : sine) += sign * term;
    term = term * x / (power + 1);
  }
  const auto c = static_cast<float>(cosine);
  const auto s = static_cast<float>(sine);
  switch (quarter % 4) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case 2:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

}  // namespace

InverseFft::InverseFft(int size) : size_(size) {
  if (size < 2 || size % 2 != 0) {
    throw Error(
        ErrorCode::usage,
        "inverse FFT: size: expected an even number of 2 or more, found " + std::to_string(size));
  }
  power_of_two_ = (size & (size - 1)) == 0;
  for (int k = 0; k < size; ++k) {
    const auto [cosine, sine] = turn(k, size);
    cosine_.push_back(cosine);
    sine_.push_back(sine);
  }
  const int half = size / 2;
  for (int i = 0; power_of_two_ && i < half; ++i) {
    int reversed = 0;
    for (int bit = 1; bit < half; bit *= 2) {
      reversed = 2 * reversed + ((i & bit) != 0 ? 1 : 0);
    }
    reversed_.push_back(reversed);
  }
}

void InverseFft::transform(std::span<const float> re,
                           std::span<const float> im,
                           std::span<float> output,
                           std::span<float> scratch) const noexcept {
  if (power_of_two_) {
    by_halves(re, im, output, scratch);
  } else {
    by_sum(re, im, output);
  }
}

void InverseFft::by_halves(std::span<const float> re,
                           std::span<const float> im,
                           std::span<float> output,
                           std::span<float> scratch) const noexcept {
  const int half = size_ / 2;
  float* const zr = scratch.data();
  float* const zi = scratch.data() + half;
  for (int k = 0; k < half; ++k) {
    const ComplexPoint point =
        fold_half_spectrum(re.data(), im.data(), k, size_, {cosine_[index(k)], sine_[index(k)]});
    zr[reversed_[index(k)]] = point.re;
    zi[reversed_[index(k)]] = point.im;
  }
  for (int width = 1; width < half; width *= 2) {
    const int step = half / width;  // of the table: angle 2 pi j / (2 width)
    for (int first = 0; first < half; first += 2 * width) {
      for (int j = 0; j < width; ++j) {
        butterfly(zr, zi, first + j, first + j + width,
                  {cosine_[index(j * step)], sine_[index(j * step)]});
      }
    }
  }
  for (int n = 0; n < half; ++n) {
    output[index(2 * n)] = zr[n];
    output[index(2 * n + 1)] = zi[n];
  }
}

void InverseFft::by_sum(std::span<const float> re,
                        std::span<const float> im,
                        std::span<float> output) const noexcept {
  for (int n = 0; n < size_; ++n) {
    output[index(n)] = summed_sample(re.data(), im.data(), n, size_, cosine_.data(), sine_.data());
  }
}

}  // namespace ondes
