// The errors that engine/deterministic_math.h and the activation table state, measured against
// double precision.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "engine/deterministic_math.h"
#include "engine/ops/activation_table.h"

namespace ondes {
namespace {

// Largest error of `found` over `steps` points of [low, high].
template <typename Error>
double worst(double low, double high, int steps, const Error& error) {
  double largest = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const auto x = static_cast<float>(low + (high - low) * i / steps);
    const double e = error(x);
    largest = std::isnan(e) ? 1e9 : std::max(largest, e);
  }
  return largest;
}

constexpr int kSteps = 400'000;

TEST_CASE("exp2 is within 2.5e-7 of 2^x, relative") {
  const double error = worst(-126.0, 126.0, kSteps, [](float x) {
    return std::fabs(static_cast<double>(exact::exp2(x)) / std::exp2(static_cast<double>(x)) - 1.0);
  });
  CHECK(error < 2.5e-7);
}

TEST_CASE("exp is within 1e-6 of e^x for |x| < 10 and within 5e-6 for |x| < 80, relative") {
  const auto relative = [](float x) {
    return std::fabs(static_cast<double>(exact::exp(x)) / std::exp(static_cast<double>(x)) - 1.0);
  };
  CHECK(worst(-10.0, 10.0, kSteps, relative) < 1e-6);
  CHECK(worst(-80.0, 80.0, kSteps, relative) < 5e-6);
}

TEST_CASE("log is within 3e-7 of ln x, absolute up to 1 and relative beyond") {
  const double error = worst(-80.0, 80.0, kSteps, [](float power) {
    const auto x = static_cast<float>(std::exp(static_cast<double>(power)));
    const double expected = std::log(static_cast<double>(x));
    return std::fabs(static_cast<double>(exact::log(x)) - expected) /
           std::max(1.0, std::fabs(expected));
  });
  CHECK(error < 3e-7);
  CHECK(exact::log(1.0F) == 0.0F);
}

TEST_CASE("sin_turns is within 3e-7 of the sine over a whole turn, and exact where it must be") {
  const double error = worst(-0.5, 0.5, kSteps, [](float turns) {
    return std::fabs(static_cast<double>(exact::sin_turns(turns)) -
                     std::sin(2.0 * std::numbers::pi * static_cast<double>(turns)));
  });
  CHECK(error < 3e-7);
  CHECK(exact::sin_turns(0.0F) == 0.0F);
  CHECK(exact::sin_turns(0.5F) == 0.0F);
  CHECK(exact::sin_turns(-0.1F) == -exact::sin_turns(0.1F));
}

TEST_CASE("tanh is within 4e-7 and never leaves [-1, 1] by more than that") {
  const double error = worst(-12.0, 12.0, kSteps, [](float x) {
    return std::fabs(static_cast<double>(exact::tanh(x)) - std::tanh(static_cast<double>(x)));
  });
  CHECK(error < 4e-7);
}

TEST_CASE("sigmoid is within 3e-7") {
  const double error = worst(-20.0, 20.0, kSteps, [](float x) {
    const double expected = 1.0 / (1.0 + std::exp(-static_cast<double>(x)));
    return std::fabs(static_cast<double>(exact::sigmoid(x)) - expected);
  });
  CHECK(error < 3e-7);
}

TEST_CASE("cosine and sine of half a turn either way are within 3e-7") {
  const double error = worst(-0.5, 0.5, kSteps, [](float cycles) {
    float c = 0.0F;
    float s = 0.0F;
    exact::cos_sin_turns(cycles, &c, &s);
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(cycles);
    return std::max(std::fabs(static_cast<double>(c) - std::cos(angle)),
                    std::fabs(static_cast<double>(s) - std::sin(angle)));
  });
  CHECK(error < 3e-7);
}

TEST_CASE("table tanh is within 2e-5, odd, within [-1, 1]") {
  const TanhTable& table = tanh_table();
  const double error = worst(-12.0, 12.0, kSteps, [&table](float x) {
    const double y = static_cast<double>(table_tanh(table, x));
    const double outside = std::fabs(y) > 1.0 ? 1.0 : 0.0;
    const double odd = table_tanh(table, -x) == -table_tanh(table, x) ? 0.0 : 1.0;
    return std::fabs(y - std::tanh(static_cast<double>(x))) + outside + odd;
  });
  CHECK(error < 2e-5);
}

TEST_CASE("the inverse normal distribution function undoes erfc within 3e-6") {
  const double error = worst(-5.0, 5.0, kSteps, [](float z) {
    const double u = 0.5 * std::erfc(-static_cast<double>(z) / std::numbers::sqrt2);
    // u is rounded to float: near 1 that alone moves z by more than the claim.
    return z > 2.0F
               ? 0.0
               : std::fabs(static_cast<double>(exact::inverse_normal_cdf(static_cast<float>(u))) -
                           static_cast<double>(z)) /
                     std::max(1.0, std::fabs(static_cast<double>(z)));
  });
  CHECK(error < 3e-6);
}

TEST_CASE("cos_sin is within 4e-7 of cos x and sin x for |x| < 1e5") {
  const auto error = [](float x) {
    float cosine = 0.0F;
    float sine = 0.0F;
    exact::cos_sin(x, &cosine, &sine);
    return std::max(std::fabs(static_cast<double>(cosine) - std::cos(static_cast<double>(x))),
                    std::fabs(static_cast<double>(sine) - std::sin(static_cast<double>(x))));
  };
  CHECK(worst(-10.0, 10.0, kSteps, error) < 4e-7);
  CHECK(worst(-1e5, 1e5, kSteps, error) < 4e-7);
}

TEST_CASE("gelu is within 5e-7 of x Phi(x)") {
  const double error = worst(-12.0, 12.0, kSteps, [](float x) {
    const auto exact_x = static_cast<double>(x);
    const double expected = 0.5 * exact_x * std::erfc(-exact_x / std::sqrt(2.0));
    return std::fabs(static_cast<double>(exact::gelu(x)) - expected) /
           std::max(1.0, std::fabs(expected));
  });
  CHECK(error < 5e-7);
}

}  // namespace
}  // namespace ondes
