#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "dsp/metrics/frechet_distance.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

struct Embeddings {
  std::vector<float> values;
  int columns;
  ConstFrames view() const {
    return {values.data(), static_cast<int>(values.size()) / columns, columns};
  }
};

Embeddings random_embeddings(int rows, int columns, unsigned seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  Embeddings result{{}, columns};
  for (int i = 0; i < rows * columns; ++i) {
    result.values.push_back(normal(generator));
  }
  return result;
}

}  // namespace

TEST_CASE("of one dimension it is (m_a - m_b)^2 + (s_a - s_b)^2") {
  const Embeddings a{{0.0F, 2.0F, 4.0F}, 1};        // mean 2, variance 4
  const Embeddings b{{5.0F, 6.0F, 7.0F, 6.0F}, 1};  // mean 6, variance 2/3
  const double expected = 16.0 + std::pow(2.0 - std::sqrt(2.0 / 3.0), 2);
  CHECK(*frechet_distance(a.view(), b.view()).value == Approx(expected).epsilon(1e-12));
}

TEST_CASE("a set is at distance 0 of itself, also where its covariance is singular") {
  for (const int rows : {300, 10}) {  // 10 rows in 16 dimensions: rank 9
    const Embeddings a = random_embeddings(rows, 16, 1);
    // The root of a rounding error of 1e-16 is 1e-8, of a trace of 16.
    CHECK(*frechet_distance(a.view(), a.view()).value < 1e-6);
  }
  const Embeddings constant{std::vector<float>(40, 0.5F), 4};
  CHECK(*frechet_distance(constant.view(), constant.view()).value == 0.0);
}

TEST_CASE("a shift adds its squared length, and both directions read alike") {
  const Embeddings a = random_embeddings(100, 8, 2);
  Embeddings shifted = a;
  for (float& value : shifted.values) {
    value += 1.0F;
  }
  CHECK(*frechet_distance(a.view(), shifted.view()).value == Approx(8.0).epsilon(1e-5));
  const Embeddings b = random_embeddings(60, 8, 3, 2.0F);
  CHECK(*frechet_distance(a.view(), b.view()).value ==
        Approx(*frechet_distance(b.view(), a.view()).value).epsilon(1e-9));
}

TEST_CASE("a gain of c on both multiplies it by c squared") {
  const Embeddings a = random_embeddings(100, 8, 4);
  const Embeddings b = random_embeddings(100, 8, 5, 1.5F);
  Embeddings a4 = a;
  Embeddings b4 = b;
  for (float& value : a4.values) {
    value *= 4.0F;
  }
  for (float& value : b4.values) {
    value *= 4.0F;
  }
  CHECK(*frechet_distance(a4.view(), b4.view()).value ==
        Approx(16.0 * *frechet_distance(a.view(), b.view()).value).epsilon(1e-9));
}

TEST_CASE("a diagonal case of 128 dimensions has the sum of the one-dimensional distances") {
  // Rows +-d_k e_k: covariances are diagonal, 2 d_k^2 / (n - 1).
  constexpr int kColumns = 128;
  Embeddings a{std::vector<float>(2 * kColumns * kColumns, 0.0F), kColumns};
  Embeddings b = a;
  double expected = 0.0;
  for (int k = 0; k < kColumns; ++k) {
    const auto at = static_cast<std::size_t>(2 * k * kColumns + k);
    const float da = 1.0F + 0.125F * static_cast<float>(k % 7);
    const float db = 2.0F + 0.25F * static_cast<float>(k % 5);
    a.values[at] = da;
    a.values[at + kColumns] = -da;
    b.values[at] = db;
    b.values[at + kColumns] = -db;
    const double scale = 2.0 / (2 * kColumns - 1);
    expected += scale * std::pow(static_cast<double>(da) - static_cast<double>(db), 2);
  }
  CHECK(*frechet_distance(a.view(), b.view()).value == Approx(expected).epsilon(1e-9));
}

TEST_CASE("one row has no covariance: a reason; widths and NaN are refused") {
  const Embeddings one = random_embeddings(1, 4, 6);
  const Embeddings many = random_embeddings(5, 4, 7);
  check_contains(frechet_distance(one.view(), many.view()).reason, {"at least 2", "1 and 5"});
  const Embeddings wider = random_embeddings(5, 5, 8);
  check_contains(
      message_of(ErrorCode::usage, [&] { (void)frechet_distance(many.view(), wider.view()); }),
      {"4 and 5"});
  const Embeddings huge = random_embeddings(2, 513, 9);
  message_of(ErrorCode::usage, [&] { (void)frechet_distance(huge.view(), huge.view()); });
  Embeddings bad = many;
  bad.values[6] = std::numeric_limits<float>::quiet_NaN();
  check_contains(
      message_of(ErrorCode::bad_input, [&] { (void)frechet_distance(many.view(), bad.view()); }),
      {"second set, frame 1[2]", "NaN"});
}
