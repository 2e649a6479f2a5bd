// From float samples to integers: full scale, dither, rounding, clamping. Pure functions.
//
//   q = clamp(floor(x * 2^(bits-1) + dither + 0.5), -2^(bits-1), 2^(bits-1) - 1)
//
// Full scale is 1.0 = 2^(bits-1), as readers divide by; +1.0 itself is one step too high for two's
// complement and becomes the highest code. Only |x| > 1 is called clipped.
//
// Dither has a triangular density over (-1, 1) steps (TPDF): it makes the error's mean and power
// independent of the signal (S. Lipshitz, R. Wannamaker, J. Vanderkooy, JAES 40(5), 1992). It is
// counter-based: the value at a position depends on the seed and the position alone, so any cutting
// into blocks, and any machine, gives the same bytes.
//
// Any thread; nothing here allocates or throws.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace ondes {

// The output function of SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014): a bijection of 64
// bits in which every input bit moves every output bit.
constexpr std::uint64_t mix_bits(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

// Triangular dither in steps, in (-1, 1), of sample `position` (frame * channels + channel).
constexpr double tpdf_dither(std::uint64_t seed, std::uint64_t position) noexcept {
  const std::uint64_t bits =
      mix_bits(mix_bits(seed ^ 0x6F6E646573ULL) + (position + 1) * 0x9E3779B97F4A7C15ULL);
  const auto high = static_cast<double>(bits >> 32U);
  const auto low = static_cast<double>(bits & 0xFFFFFFFFULL);
  return (high - low) * 0x1p-32;
}

// x must be finite. bits: 2..32. `dither` in steps; 0 for none.
inline std::int32_t quantise(float x, int bits, double dither) noexcept {
  const double full_scale = std::ldexp(1.0, bits - 1);
  const double stepped = std::floor(static_cast<double>(x) * full_scale + dither + 0.5);
  return static_cast<std::int32_t>(std::clamp(stepped, -full_scale, full_scale - 1.0));
}

inline double amplitude_to_db(double amplitude) noexcept {
  return 20.0 * std::log10(amplitude);
}
inline double db_to_amplitude(double level_db) noexcept {
  return std::pow(10.0, level_db / 20.0);
}

}  // namespace ondes
