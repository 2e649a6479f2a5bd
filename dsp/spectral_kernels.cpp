// Written once over Highway, compiled for every instruction set. What each loop means stands in the
// header; the judges are the golden data of the analyses and tests/dsp/test_spectral_kernels.cpp.
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

template <std::size_t kVectors>
HWY_INLINE void ratio_columns(const float* start,
                              const float* values,
                              std::size_t count,
                              const float* table,
                              std::size_t width,
                              float* out) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    sums[v] = hn::LoadU(d, start + v * lanes);
  }
  for (std::size_t m = 0; m < count; ++m, table += width) {
    const V value = hn::Set(d, values[m]);
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[v] = hn::MulAdd(value, hn::LoadU(d, table + v * lanes), sums[v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
    const V limited = hn::Min(sums[v], hn::Set(d, 80.0F));
    hn::StoreU(hn::Exp(d, limited), d, out + v * lanes);
  }
}

void envelope_ratio(const float* start,
                    const float* values,
                    std::size_t count,
                    const float* table,
                    std::size_t width,
                    float* out) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t k = 0;
  for (; k + 8 * lanes <= width; k += 8 * lanes) {
    ratio_columns<8>(start + k, values, count, table + k, width, out + k);
  }
  for (; k < width; k += lanes) {
    ratio_columns<1>(start + k, values, count, table + k, width, out + k);
  }
}

bool solve(double* rows, std::size_t n, std::size_t stride, double* solution) {
  const hn::CappedTag<double, 8> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t j = 0; j < n; ++j) {
    const double* pivots = rows + j * stride;
    if (!(pivots[j] > 0.0)) {
      return false;
    }
    const double inverse = 1.0 / pivots[j];
    for (std::size_t i = j + 1; i < n; ++i) {
      double* row = rows + i * stride;
      const auto factor = hn::Set(d, pivots[i] * inverse);  // symmetric: the entry below the pivot
      // Whole vectors: what they touch left of the diagonal is never read.
      for (std::size_t k = i / lanes * lanes; k <= n; k += lanes) {
        hn::StoreU(hn::NegMulAdd(factor, hn::LoadU(d, pivots + k), hn::LoadU(d, row + k)), d,
                   row + k);
      }
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    const double* row = rows + i * stride;
    double sum = row[n];
    for (std::size_t k = i + 1; k < n; ++k) {
      sum -= row[k] * solution[k];
    }
    solution[i] = sum / row[i];
  }
  return true;
}

Kernels make_kernels() {
  return {&multiply, &power,    &amplitude,      &limited_logarithm,
          &bands,    &add_rows, &envelope_ratio, &solve};
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
