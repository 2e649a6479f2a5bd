#include "models/hifigan/alias_free_filter.h"

#include <cmath>
#include <numbers>

namespace ondes {
namespace {

// Modified Bessel function of the first kind, order 0, by its series; x is below 10 here.
double bessel_i0(double x) {
  double term = 1.0;
  double sum = 1.0;
  for (int k = 1; k < 60; ++k) {
    term *= (x / 2.0 / k) * (x / 2.0 / k);
    sum += term;
  }
  return sum;
}

// Kaiser's beta for a stopband attenuation in dB.
double kaiser_beta(double attenuation_db) {
  if (attenuation_db > 50.0) {
    return 0.1102 * (attenuation_db - 8.7);
  }
  if (attenuation_db >= 21.0) {
    return 0.5842 * std::pow(attenuation_db - 21.0, 0.4) + 0.07886 * (attenuation_db - 21.0);
  }
  return 0.0;
}

}  // namespace

std::array<float, kAliasFreeTaps> alias_free_filter() {
  constexpr double kCutoff = 0.25;    // of the doubled rate
  constexpr double kHalfWidth = 0.3;  // of the transition
  constexpr int kHalf = kAliasFreeTaps / 2;
  const double attenuation_db = 2.285 * (kHalf - 1) * std::numbers::pi * 4.0 * kHalfWidth + 7.95;
  const double beta = kaiser_beta(attenuation_db);
  std::array<double, kAliasFreeTaps> taps{};
  double sum = 0.0;
  for (int n = 0; n < kAliasFreeTaps; ++n) {
    const double time = n - kHalf + 0.5;
    const double place = 2.0 * n / (kAliasFreeTaps - 1) - 1.0;  // -1 .. 1
    const double window = bessel_i0(beta * std::sqrt(1.0 - place * place)) / bessel_i0(beta);
    const double angle = std::numbers::pi * 2.0 * kCutoff * time;
    const double tap = 2.0 * kCutoff * window * std::sin(angle) / angle;
    taps[static_cast<std::size_t>(n)] = tap;
    sum += tap;
  }
  std::array<float, kAliasFreeTaps> result{};
  for (std::size_t n = 0; n < result.size(); ++n) {
    result[n] = static_cast<float>(taps[n] / sum);
  }
  return result;
}

}  // namespace ondes
