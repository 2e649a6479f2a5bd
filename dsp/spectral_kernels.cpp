// Written once over Highway, compiled for every instruction set. What each loop means stands in the
// header; the judges are the golden data of the analyses and tests/dsp/test_spectral_kernels.cpp.
#include <cstdint>
#include <limits>

#include "dsp/mel_filterbank.h"
#include "dsp/spectral_kernels_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/spectral_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// after highway.h
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace ondes::spectral {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kTableStep>;
using V = hn::Vec<D>;

// Calls step(d, n) at whole vectors and then, with one lane, at what is left.
template <class Step>
HWY_INLINE void for_each_vector(std::size_t count, const Step& step) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t n = 0;
  for (; n + lanes <= count; n += lanes) {
    step(d, n);
  }
  for (; n < count; ++n) {
    step(hn::CappedTag<float, 1>(), n);
  }
}

void multiply(const float* a, const float* b, float* out, std::size_t n) {
  for_each_vector(n, [&](auto d, std::size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  });
}

template <class Tag>
HWY_INLINE hn::Vec<Tag> power_of(Tag d, const float* x) {
  hn::Vec<Tag> real;
  hn::Vec<Tag> imaginary;
  hn::LoadInterleaved2(d, x, real, imaginary);
  return hn::Add(hn::Mul(real, real), hn::Mul(imaginary, imaginary));
}

// One value is not worth a deinterleaving load, which has no form for one lane everywhere.
HWY_INLINE hn::Vec<hn::CappedTag<float, 1>> power_of(hn::CappedTag<float, 1> d, const float* x) {
  return hn::Set(d, x[0] * x[0] + x[1] * x[1]);
}

void power(const std::complex<float>* x, float* out, std::size_t n) {
  const auto* values = reinterpret_cast<const float*>(x);  // the standard's layout
  for_each_vector(n, [&](auto d, std::size_t i)
                         HWY_ATTR { hn::StoreU(power_of(d, values + 2 * i), d, out + i); });
}

void amplitude(const std::complex<float>* x, float epsilon, float* out, std::size_t n) {
  const auto* values = reinterpret_cast<const float*>(x);
  for_each_vector(n, [&](auto d, std::size_t i) HWY_ATTR {
    const auto sum = hn::Add(power_of(d, values + 2 * i), hn::Set(d, epsilon));
    hn::StoreU(hn::Sqrt(sum), d, out + i);
  });
}

void limited_logarithm(float* y, float floor, float scale, std::size_t n) {
  for_each_vector(n, [&](auto d, std::size_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, y + i);
    const auto least = hn::Set(d, floor);
    const auto limited = hn::IfThenElse(hn::Lt(value, least), least, value);
    const auto finite = hn::Lt(limited, hn::Set(d, std::numeric_limits<float>::infinity()));
    const auto logarithm = hn::Mul(hn::Log(d, limited), hn::Set(d, scale));
    hn::StoreU(hn::IfThenElse(finite, logarithm, value), d, y + i);
  });
}

HWY_INLINE float band_sum(const float* weights, const float* spectrum, int steps) {
  const hn::CappedTag<float, 8> d;
  constexpr std::size_t kLanes = hn::MaxLanes(d);
  constexpr std::size_t kParts = 8 / kLanes;
  hn::Vec<decltype(d)> sums[kParts];
  for (auto& sum : sums) {
    sum = hn::Zero(d);
  }
  for (int step = 0; step < steps; ++step) {
    for (auto& sum : sums) {
      sum = hn::Add(sum, hn::Mul(hn::LoadU(d, weights), hn::LoadU(d, spectrum)));
      weights += kLanes;
      spectrum += kLanes;
    }
  }
  HWY_ALIGN float lanes[8];
  float* lane = lanes;
  for (const auto& sum : sums) {
    hn::Store(sum, d, lane);
    lane += kLanes;
  }
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

void bands(const MelBand* bands,
           std::size_t count,
           const float* weights,
           const float* spectrum,
           float* out) {
  for (std::size_t m = 0; m < count; ++m) {
    out[m] =
        band_sum(weights + bands[m].first_weight, spectrum + bands[m].first_bin, bands[m].steps);
  }
}

// kVectors vectors of columns from `column` on; kSums sums of each, for rows that are kSums apart,
// hide that every addition waits for the one before.
template <std::size_t kVectors, std::size_t kSums>
HWY_INLINE void add_columns(
    const float* values, std::size_t count, const float* table, std::size_t width, float* out) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kSums][kVectors];
  for (auto& sum : sums) {
    for (V& v : sum) {
      v = hn::Zero(d);
    }
  }
  std::size_t k = 0;
  for (; k + kSums <= count; k += kSums) {
    for (std::size_t s = 0; s < kSums; ++s, table += width) {
      const V value = hn::Set(d, values[k + s]);
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[s][v] = hn::MulAdd(value, hn::LoadU(d, table + v * lanes), sums[s][v]);
      }
    }
  }
  for (; k < count; ++k, table += width) {
    const V value = hn::Set(d, values[k]);
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[0][v] = hn::MulAdd(value, hn::LoadU(d, table + v * lanes), sums[0][v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
    V sum = sums[0][v];
    for (std::size_t s = 1; s < kSums; ++s) {
      sum = hn::Add(sum, sums[s][v]);
    }
    hn::StoreU(sum, d, out + v * lanes);
  }
}

void add_rows(
    const float* values, std::size_t count, const float* table, std::size_t width, float* out) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t column = 0;
  for (; column + 4 * lanes <= width; column += 4 * lanes) {
    add_columns<4, 2>(values, count, table + column, width, out + column);
  }
  for (; column + 2 * lanes <= width; column += 2 * lanes) {
    add_columns<2, 4>(values, count, table + column, width, out + column);
  }
  for (; column < width; column += lanes) {
    add_columns<1, 8>(values, count, table + column, width, out + column);
  }
}

// A tile of kVectors vectors of columns from `column` on, for each of the group: on top of what
// `sums` holds.
template <std::size_t kVectors>
HWY_INLINE void add_tile(const float* const values[kGroup],
                         std::size_t count,
                         const float* table,
                         std::size_t width,
                         V (&sums)[kGroup][kVectors]) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t k = 0; k < count; ++k, table += width) {
    V row[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      row[v] = hn::LoadU(d, table + v * lanes);
    }
    for (std::size_t g = 0; g < kGroup; ++g) {
      const V value = hn::Set(d, values[g][k]);
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[g][v] = hn::MulAdd(value, row[v], sums[g][v]);
      }
    }
  }
}

template <std::size_t kVectors>
HWY_INLINE void add_group_columns(const float* const values[kGroup],
                                  std::size_t count,
                                  const float* table,
                                  std::size_t width,
                                  std::size_t column,
                                  float* const out[kGroup]) {
  const D d;
  V sums[kGroup][kVectors];
  for (auto& group : sums) {
    for (V& sum : group) {
      sum = hn::Zero(d);
    }
  }
  add_tile<kVectors>(values, count, table + column, width, sums);
  for (std::size_t g = 0; g < kGroup; ++g) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(sums[g][v], d, out[g] + column + v * hn::Lanes(d));
    }
  }
}

// Vectors of a tile: as many as leave room for the table's in the registers of the target.
constexpr std::size_t kTile = hn::MaxLanes(D()) == 16 ? 4 : 2;

void add_rows_of_group(const float* const values[kGroup],
                       std::size_t count,
                       const float* table,
                       std::size_t width,
                       float* const out[kGroup]) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t column = 0;
  for (; column + kTile * lanes <= width; column += kTile * lanes) {
    add_group_columns<kTile>(values, count, table, width, column, out);
  }
  for (; column < width; column += lanes) {
    add_group_columns<1>(values, count, table, width, column, out);
  }
}

template <std::size_t kVectors>
HWY_INLINE void ratio_columns(const float* const start[kGroup],
                              const float* const values[kGroup],
                              std::size_t count,
                              const float* table,
                              std::size_t width,
                              std::size_t column,
                              float* const out[kGroup]) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kGroup][kVectors];
  for (std::size_t g = 0; g < kGroup; ++g) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[g][v] = hn::LoadU(d, start[g] + column + v * lanes);
    }
  }
  add_tile<kVectors>(values, count, table + column, width, sums);
  for (std::size_t g = 0; g < kGroup; ++g) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const V limited = hn::Min(sums[g][v], hn::Set(d, 80.0F));
      hn::StoreU(hn::Exp(d, limited), d, out[g] + column + v * lanes);
    }
  }
}

void envelope_ratio(const float* const start[kGroup],
                    const float* const values[kGroup],
                    std::size_t count,
                    const float* table,
                    std::size_t width,
                    float* const out[kGroup]) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t k = 0;
  for (; k + kTile * lanes <= width; k += kTile * lanes) {
    ratio_columns<kTile>(start, values, count, table, width, k, out);
  }
  for (; k < width; k += lanes) {
    ratio_columns<1>(start, values, count, table, width, k, out);
  }
}

using DD = hn::CappedTag<double, kLanes>;
using VD = hn::Vec<DD>;

// The lanes of `part` of element `index` of an array (.., kLanes).
HWY_INLINE std::size_t at(std::size_t index, std::size_t part) {
  return index * kLanes + part * hn::Lanes(DD());
}

// A = F' U, row by row: row i is what is left of A's when the rows above have been taken away; it
// stays in registers meanwhile, kColumns of it at a time. Column n is the right side.
template <std::size_t kColumns>
HWY_INLINE void eliminate_columns(std::size_t i,
                                  std::size_t first,
                                  std::size_t n,
                                  std::size_t part,
                                  const double* factors,
                                  double* upper) {
  const DD d;
  VD left[kColumns];
  for (std::size_t q = 0; q < kColumns; ++q) {
    left[q] = hn::LoadU(d, upper + at(i * (n + 1) + first + q, part));
  }
  for (std::size_t j = 0; j < i; ++j) {
    const VD factor = hn::LoadU(d, factors + at(j * n + i, part));
    for (std::size_t q = 0; q < kColumns; ++q) {
      const VD above = hn::LoadU(d, upper + at(j * (n + 1) + first + q, part));
      left[q] = hn::NegMulAdd(factor, above, left[q]);
    }
  }
  for (std::size_t q = 0; q < kColumns; ++q) {
    hn::StoreU(left[q], d, upper + at(i * (n + 1) + first + q, part));
  }
}

unsigned solve(
    const double* moments, const double* right, std::size_t n, double* work, double* solution) {
  const DD d;
  double* upper = work;                           // (n, n + 1)
  double* factors = work + n * (n + 1) * kLanes;  // (n, n), the diagonal: 1 / pivot
  unsigned positive = 0;
  for (std::size_t part = 0; part * hn::Lanes(d) < kLanes; ++part) {
    auto all = hn::Eq(hn::Zero(d), hn::Zero(d));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = i; k < n; ++k) {
        hn::StoreU(hn::Add(hn::LoadU(d, moments + at(k - i, part)),
                           hn::LoadU(d, moments + at(i + k, part))),
                   d, upper + at(i * (n + 1) + k, part));
      }
      hn::StoreU(hn::LoadU(d, right + at(i, part)), d, upper + at(i * (n + 1) + n, part));
      std::size_t k = i;
      for (; k + 8 <= n + 1; k += 8) {
        eliminate_columns<8>(i, k, n, part, factors, upper);
      }
      for (; k + 4 <= n + 1; k += 4) {
        eliminate_columns<4>(i, k, n, part, factors, upper);
      }
      for (; k <= n; ++k) {
        eliminate_columns<1>(i, k, n, part, factors, upper);
      }
      const VD pivot = hn::LoadU(d, upper + at(i * (n + 1) + i, part));
      all = hn::And(all, hn::Gt(pivot, hn::Zero(d)));
      const VD inverse = hn::Div(hn::Set(d, 1.0), pivot);
      hn::StoreU(inverse, d, factors + at(i * n + i, part));
      for (k = i + 1; k < n; ++k) {
        hn::StoreU(hn::Mul(hn::LoadU(d, upper + at(i * (n + 1) + k, part)), inverse), d,
                   factors + at(i * n + k, part));
      }
    }
    for (std::size_t i = n; i-- > 0;) {
      VD sum = hn::Mul(hn::LoadU(d, upper + at(i * (n + 1) + n, part)),
                       hn::LoadU(d, factors + at(i * n + i, part)));
      for (std::size_t k = i + 1; k < n; ++k) {
        sum = hn::NegMulAdd(hn::LoadU(d, factors + at(i * n + k, part)),
                            hn::LoadU(d, solution + at(k, part)), sum);
      }
      hn::StoreU(sum, d, solution + at(i, part));
    }
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(d, all, bits);
    positive |= static_cast<unsigned>(bits[0]) << (part * hn::Lanes(d));
  }
  return positive;
}

Kernels make_kernels() {
  return {&multiply,          &power,          &amplitude, &limited_logarithm, &bands, &add_rows,
          &add_rows_of_group, &envelope_ratio, &solve};
}

}  // namespace HWY_NAMESPACE
}  // namespace ondes::spectral
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes::spectral {

HWY_EXPORT(make_kernels);

Kernels kernels_of_chosen_target() {
  return HWY_DYNAMIC_DISPATCH(make_kernels)();
}

const Kernels& kernels() {
  static const Kernels chosen = kernels_of_chosen_target();
  return chosen;
}

}  // namespace ondes::spectral
#endif  // HWY_ONCE
