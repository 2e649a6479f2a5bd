#include "engine/ops/activation_table.h"

namespace ondes {
namespace {

// tanh x = (1 - e^-2x) / (1 + e^-2x); the exponential as (Taylor series at y/1024)^1024.
double tanh_of(double x) {
  const double y = -2.0 * x / 1024.0;
  double term = 1.0;
  double e = 1.0;
  for (int n = 1; n <= 8; ++n) {
    term = term * y / n;
    e = e + term;
  }
  for (int i = 0; i < 10; ++i) {
    e = e * e;
  }
  return (1.0 - e) / (1.0 + e);
}

TanhTable make_table() {
  TanhTable table{};
  constexpr double kWidth = 6.0 / kTanhPieces;
  for (int k = 0; k < kTanhPieces; ++k) {
    const double y0 = tanh_of(k * kWidth);
    const double y1 = tanh_of((k + 1) * kWidth);
    const double d0 = (1.0 - y0 * y0) * kWidth;
    const double d1 = (1.0 - y1 * y1) * kWidth;
    table.c0[k] = static_cast<float>(y0);
    table.c1[k] = static_cast<float>(d0);
    table.c2[k] = static_cast<float>(3.0 * (y1 - y0) - 2.0 * d0 - d1);
    table.c3[k] = static_cast<float>(2.0 * (y0 - y1) + d0 + d1);
  }
  return table;
}

}  // namespace

const TanhTable& tanh_table() {
  static const TanhTable table = make_table();
  return table;
}

}  // namespace ondes
