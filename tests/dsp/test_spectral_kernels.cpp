#include <hwy/targets.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "dsp/mel_filterbank.h"
#include "dsp/spectral_kernels_internal.h"

using namespace ondes;
using spectral::Kernels;

namespace {

std::vector<float> noise(std::size_t count, unsigned seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::vector<float> x(count);
  for (float& value : x) {
    value = scale * (static_cast<float>(generator()) * 0x1p-31F - 1.0F);
  }
  return x;
}

// Calls check(kernels) for every instruction set that this machine has.
template <class Check>
int for_each_target(const Check& check) {
  int targets = 0;
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((static_cast<std::uint32_t>(hwy::SupportedTargets()) & bit) != 0) {
      hwy::SetSupportedTargetsForTest(static_cast<decltype(hwy::SupportedTargets())>(bit));
      hwy::GetChosenTarget().DeInit();
      check(spectral::kernels_of_chosen_target());
      ++targets;
      hwy::SetSupportedTargetsForTest(0);
      hwy::GetChosenTarget().DeInit();
    }
  }
  return targets;
}

}  // namespace

TEST_CASE("products, powers and bands are the plain loop's on every instruction set, bit for bit") {
  MelFilterbank bank({.sample_rate_hz = 16000, .fft_size = 512, .mels = 40, .fmax_hz = 8000.0});
  const std::vector<float> a = noise(301, 1);
  const std::vector<float> b = noise(301, 2);
  std::vector<std::complex<float>> x(150);
  for (std::size_t k = 0; k < x.size(); ++k) {
    x[k] = {a[2 * k], b[2 * k]};
  }
  const int targets = for_each_target([&](const Kernels& kernels) {
    std::vector<float> out(a.size());
    kernels.multiply(a.data(), b.data(), out.data(), out.size());
    std::vector<float> power(x.size());
    kernels.power(x.data(), power.data(), x.size());
    std::vector<float> amplitude(x.size());
    kernels.amplitude(x.data(), 0.25F, amplitude.data(), x.size());
    bool same = true;
    for (std::size_t n = 0; n < out.size(); ++n) {
      same = same && out[n] == a[n] * b[n];
    }
    for (std::size_t k = 0; k < x.size(); ++k) {
      const float square = x[k].real() * x[k].real() + x[k].imag() * x[k].imag();
      same = same && power[k] == square && amplitude[k] == std::sqrt(square + 0.25F);
    }
    CHECK(same);

    // Two bands of one and three steps; the judge's eight sums.
    const MelBand bands[] = {{.first_bin = 3, .steps = 1, .first_weight = 0},
                             {.first_bin = 20, .steps = 3, .first_weight = 8}};
    float sums[2] = {};
    kernels.bands(bands, 2, b.data(), a.data(), sums);
    for (int m = 0; m < 2; ++m) {
      float lanes[8] = {};
      for (int step = 0; step < bands[m].steps; ++step) {
        for (std::size_t i = 0; i < 8; ++i) {
          const std::size_t at = static_cast<std::size_t>(8 * step) + i;
          lanes[i] +=
              b[bands[m].first_weight + at] * a[static_cast<std::size_t>(bands[m].first_bin) + at];
        }
      }
      CHECK(sums[m] == ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
                           ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7])));
    }
  });
  CHECK(targets >= 1);
}

TEST_CASE("the limited logarithm is within 3e-7 of itself of the library's, 3e-7 near 1") {
  for_each_target([](const Kernels& kernels) {
    std::vector<float> y;
    for (float value = std::numeric_limits<float>::min(); value < 1e37F; value *= 1.37F) {
      y.push_back(value);
    }
    for (float value = 0.9F; value < 1.1F; value += 0.001F) {
      y.push_back(value);
    }
    std::vector<float> found = y;
    kernels.limited_logarithm(found.data(), 1e-30F, 2.0F, found.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double expected = 2.0 * std::log(static_cast<double>(std::max(y[i], 1e-30F)));
      CHECK(found[i] == Approx(expected).epsilon(3e-7).margin(3e-7));
    }
  });
}

TEST_CASE("the logarithm of NaN stays NaN, of infinity infinity, of nothing the floor's") {
  for_each_target([](const Kernels& kernels) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    // In whole vectors and in what is left behind them.
    std::vector<float> y(35, 0.0F);
    y[2] = y[33] = std::numeric_limits<float>::quiet_NaN();
    y[5] = y[34] = kInfinity;
    kernels.limited_logarithm(y.data(), 1.0F, 1.0F, y.size());
    CHECK(std::isnan(y[2]));
    CHECK(std::isnan(y[33]));
    CHECK(y[5] == kInfinity);
    CHECK(y[34] == kInfinity);
    CHECK(y[0] == Approx(0.0).margin(1e-7));
  });
}

TEST_CASE("sums of rows, ratios and solutions agree with double on every instruction set") {
  constexpr std::size_t kCount = 37;
  constexpr std::size_t kWidth = 112;  // seven steps: every group of columns
  const std::vector<float> table = noise(kCount * kWidth, 3);
  const std::vector<float> values = noise(kCount, 4);
  const std::vector<float> start = noise(kWidth, 5);
  for_each_target([&](const Kernels& kernels) {
    std::vector<float> sums(kWidth);
    kernels.add_rows(values.data(), kCount, table.data(), kWidth, sums.data());
    std::vector<float> ratios(kWidth);
    // The third of a group, whose others differ.
    const std::vector<float> other = noise(kCount, 6);
    std::vector<float> unused(kWidth);
    std::vector<float> group_sums(kWidth);
    const float* const starts[] = {start.data(), start.data(), start.data(), start.data()};
    const float* const group[] = {other.data(), other.data(), values.data(), other.data()};
    float* const to_sums[] = {unused.data(), unused.data(), group_sums.data(), unused.data()};
    float* const to_ratios[] = {unused.data(), unused.data(), ratios.data(), unused.data()};
    kernels.add_rows_of_group(group, kCount, table.data(), kWidth, to_sums);
    kernels.envelope_ratio(starts, group, kCount, table.data(), kWidth, to_ratios);
    for (std::size_t i = 0; i < kWidth; ++i) {
      double sum = 0.0;
      for (std::size_t k = 0; k < kCount; ++k) {
        sum += static_cast<double>(values[k]) * static_cast<double>(table[k * kWidth + i]);
      }
      CHECK(sums[i] == Approx(sum).margin(2e-6));  // 37 roundings of sums of about 1
      CHECK(group_sums[i] == Approx(sum).margin(2e-6));
      CHECK(ratios[i] == Approx(std::exp(static_cast<double>(start[i]) + sum)).epsilon(3e-6));
    }

    // Moments of something positive, another in every lane; the solution is known.
    constexpr std::size_t kUnknowns = 13;
    constexpr std::size_t kLanes = spectral::kLanes;
    std::vector<double> moments((2 * kUnknowns - 1) * kLanes, 0.0);
    std::vector<double> right(kUnknowns * kLanes, 0.0);
    for (std::size_t l = 0; l < kLanes; ++l) {
      for (std::size_t i = 0; i < 2 * kUnknowns - 1; ++i) {
        for (std::size_t k = 0; k < 64; ++k) {
          const double weight = 1.1 + static_cast<double>(table[l * 64 + k]);
          moments[i * kLanes + l] += weight * std::cos(0.049 * static_cast<double>(i * k));
        }
      }
      for (std::size_t i = 0; i < kUnknowns; ++i) {
        for (std::size_t j = 0; j < kUnknowns; ++j) {
          const std::size_t apart = i > j ? i - j : j - i;
          right[i * kLanes + l] += (moments[apart * kLanes + l] + moments[(i + j) * kLanes + l]) *
                                   static_cast<double>(j + l);
        }
      }
    }
    std::vector<double> work(2 * kUnknowns * (kUnknowns + 1) * kLanes);
    std::vector<double> solution(kUnknowns * kLanes);
    CHECK(kernels.solve(moments.data(), right.data(), kUnknowns, work.data(), solution.data()) ==
          0xFFU);
    for (std::size_t i = 0; i < solution.size(); ++i) {
      CHECK(solution[i] ==
            Approx(static_cast<double>(i / kLanes + i % kLanes)).epsilon(1e-10).margin(1e-10));
    }
    // One lane without a solution is named, the others keep theirs.
    const std::vector<double> before = solution;
    for (std::size_t i = 0; i < 2 * kUnknowns - 1; ++i) {
      moments[i * kLanes + 5] = 0.0;
    }
    CHECK(kernels.solve(moments.data(), right.data(), kUnknowns, work.data(), solution.data()) ==
          0xDFU);
    for (std::size_t i = 0; i < solution.size(); ++i) {
      CHECK((i % kLanes == 5 || solution[i] == before[i]));
    }
  });
}
