#include "dsp/metrics/frechet_distance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "dsp/metrics/finite_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr int kMostColumns = 512;

// Row by row, D x D.
struct Matrix {
  explicit Matrix(std::size_t columns) : size(columns), values(columns * columns, 0.0) {}
  double* row(std::size_t i) { return values.data() + i * size; }
  const double* row(std::size_t i) const { return values.data() + i * size; }

  std::size_t size;
  std::vector<double> values;
};

double dot(const double* a, const double* b, std::size_t count) {
  // Lanes of their own, so that the compiler may use vectors without being told to reorder sums.
  std::array<double, 8> lanes{};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      lanes[lane] += a[i + lane] * b[i + lane];
    }
  }
  double sum = 0.0;
  for (; i < count; ++i) {
    sum += a[i] * b[i];
  }
  for (const double lane : lanes) {
    sum += lane;
  }
  return sum;
}

// One-sided Jacobi (M. Hestenes 1958): plane rotations of pairs of rows until all rows stand at
// right angles. Their norms are then the singular values, and of a symmetric matrix row i is
// s_i v_i, so nothing else has to be accumulated.
void make_rows_orthogonal(Matrix& m) {
  constexpr int kMostSweeps = 60;  // it converges quadratically: ten are many
  constexpr double kRightAngle = 1e-14;
  double largest = 0.0;
  for (std::size_t i = 0; i < m.size; ++i) {
    largest = std::max(largest, dot(m.row(i), m.row(i), m.size));
  }
  const double nothing = largest * 1e-30;  // rows of rounding noise never come to rest
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    bool turned = false;
    for (std::size_t p = 0; p + 1 < m.size; ++p) {
      for (std::size_t q = p + 1; q < m.size; ++q) {
        double* a = m.row(p);
        double* b = m.row(q);
        const double aa = dot(a, a, m.size);
        const double bb = dot(b, b, m.size);
        const double ab = dot(a, b, m.size);
        if (aa <= nothing || bb <= nothing || std::abs(ab) <= kRightAngle * std::sqrt(aa * bb)) {
          continue;
        }
        turned = true;
        const double zeta = (bb - aa) / (2.0 * ab);
        const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::sqrt(1.0 + zeta * zeta));
        const double c = 1.0 / std::sqrt(1.0 + t * t);
        const double s = c * t;
        for (std::size_t k = 0; k < m.size; ++k) {
          const double x = a[k];
          a[k] = c * x - s * b[k];
          b[k] = s * x + c * b[k];
        }
      }
    }
    if (!turned) {
      return;
    }
  }
}

struct Gaussian {
  std::vector<double> mean;
  Matrix covariance;
};

Gaussian gaussian_of(ConstFrames x) {
  const auto columns = static_cast<std::size_t>(x.channels());
  const auto rows = static_cast<std::size_t>(x.frames());
  Gaussian result{std::vector<double>(columns, 0.0), Matrix(columns)};
  for (int t = 0; t < x.frames(); ++t) {
    for (std::size_t k = 0; k < columns; ++k) {
      result.mean[k] += static_cast<double>(x[t][k]);
    }
  }
  for (double& value : result.mean) {
    value /= static_cast<double>(rows);
  }
  std::vector<double> centred(columns);
  for (int t = 0; t < x.frames(); ++t) {
    for (std::size_t k = 0; k < columns; ++k) {
      centred[k] = static_cast<double>(x[t][k]) - result.mean[k];
    }
    for (std::size_t i = 0; i < columns; ++i) {
      double* row = result.covariance.row(i);
      for (std::size_t k = 0; k < columns; ++k) {
        row[k] += centred[i] * centred[k];
      }
    }
  }
  for (double& value : result.covariance.values) {
    value /= static_cast<double>(rows - 1);
  }
  return result;
}

double trace(const Matrix& m) {
  double sum = 0.0;
  for (std::size_t i = 0; i < m.size; ++i) {
    sum += m.row(i)[i];
  }
  return sum;
}

// W with W^T W = m, for a covariance m: rows sqrt(s_i) v_i. In place.
void take_root(Matrix& m) {
  make_rows_orthogonal(m);
  for (std::size_t i = 0; i < m.size; ++i) {
    const double s = std::sqrt(dot(m.row(i), m.row(i), m.size));
    const double scale = s > 0.0 ? 1.0 / std::sqrt(s) : 0.0;
    for (std::size_t k = 0; k < m.size; ++k) {
      m.row(i)[k] *= scale;
    }
  }
}

}  // namespace

Measured frechet_distance(ConstFrames a, ConstFrames b) {
  if (a.channels() != b.channels() || a.channels() < 1 || a.channels() > kMostColumns) {
    throw Error(ErrorCode::usage, "Frechet distance: expected embeddings of one width from 1 to " +
                                      std::to_string(kMostColumns) + ", found " +
                                      std::to_string(a.channels()) + " and " +
                                      std::to_string(b.channels()) + " columns");
  }
  require_finite(a, "Frechet distance", "first set");
  require_finite(b, "Frechet distance", "second set");
  if (a.frames() < 2 || b.frames() < 2) {
    return Measured::none("needs at least 2 embeddings on each side, found " +
                          std::to_string(a.frames()) + " and " + std::to_string(b.frames()));
  }
  Gaussian first = gaussian_of(a);
  Gaussian second = gaussian_of(b);
  double means = 0.0;
  for (std::size_t k = 0; k < first.mean.size(); ++k) {
    means += (first.mean[k] - second.mean[k]) * (first.mean[k] - second.mean[k]);
  }
  const double traces = trace(first.covariance) + trace(second.covariance);
  take_root(first.covariance);
  take_root(second.covariance);
  // The trace of (S_a^1/2 S_b S_a^1/2)^1/2 is the sum of the singular values of W_a W_b^T.
  Matrix product(first.covariance.size);
  for (std::size_t i = 0; i < product.size; ++i) {
    for (std::size_t k = 0; k < product.size; ++k) {
      product.row(i)[k] = dot(first.covariance.row(i), second.covariance.row(k), product.size);
    }
  }
  make_rows_orthogonal(product);
  double shared = 0.0;
  for (std::size_t i = 0; i < product.size; ++i) {
    shared += std::sqrt(dot(product.row(i), product.row(i), product.size));
  }
  return std::max(0.0, means + traces - 2.0 * shared);
}

}  // namespace ondes
