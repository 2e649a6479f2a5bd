// Conversions of half precision, judged by its definition over all 65,536 of them.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "engine/half.h"

namespace ondes {
namespace {

constexpr std::uint16_t kInfinity = 0x7C00;

// From the definition alone: sign, exponent and mantissa as powers of two.
double value_of(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return sign *
         (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

TEST_CASE("every half is read as its definition says, and written back as it was") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double expected = value_of(half);
    const float found = half_to_float(half);
    if (std::isnan(expected)) {
      wrong += std::isnan(found) && float_to_half(found) == 0x7FFF ? 0 : 1;
    } else {
      wrong += static_cast<double>(found) == expected &&
                       std::signbit(found) == std::signbit(expected) && float_to_half(found) == half
                   ? 0
                   : 1;
    }
  }
  CHECK(wrong == 0);
}

// Between each two neighbours: the middle goes to the even one, a float beside it to the nearer one.
TEST_CASE("a float between two halves goes to the nearer, the middle to the even one") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < kInfinity; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits);
    const auto high = static_cast<std::uint16_t>(bits + 1);
    // Above the largest half the next one would be 65536.
    const double next = high == kInfinity ? 65536.0 : value_of(high);
    const auto middle = static_cast<float>(0.5 * (value_of(low) + next));  // exact: 12 bits
    const std::uint16_t even = (bits & 1U) == 0 ? low : high;
    wrong += float_to_half(middle) == even ? 0 : 1;
    wrong += float_to_half(std::nextafter(middle, 0.0F)) == low ? 0 : 1;
    wrong += float_to_half(std::nextafter(middle, 1e9F)) == high ? 0 : 1;
    wrong += float_to_half(-middle) == (even | 0x8000U) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(float_to_half(65519.996F) == 0x7BFF);
  CHECK(half_to_float(0x7BFF) == kLargestHalf);
  CHECK(float_to_half(65520.0F) == kInfinity);
  CHECK(float_to_half(1e30F) == kInfinity);
  CHECK(float_to_half(-std::numeric_limits<float>::infinity()) == (kInfinity | 0x8000U));
  CHECK(float_to_half(1e-30F) == 0);
}

TEST_CASE("a word holds two halves, the first in its low bits") {
  const std::uint32_t word = pack_halves(1.5F, -0.25F);
  CHECK((word & 0xFFFFU) == float_to_half(1.5F));
  CHECK(first_half(word) == 1.5F);
  CHECK(second_half(word) == -0.25F);
}

}  // namespace
}  // namespace ondes
