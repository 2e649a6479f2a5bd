// A number that may not exist: where a measure is undefined there is a reason instead of a NaN.
#pragma once
#include <optional>
#include <string>
#include <utility>

namespace ondes {

struct Measured {
  std::optional<double> value;
  std::string reason;  // why there is none; "" where there is one

  Measured() = default;
  Measured(double number) : value(number) {}  // NOLINT(google-explicit-constructor): it is one
  static Measured none(std::string why) {
    Measured measured;
    measured.reason = std::move(why);
    return measured;
  }
};

}  // namespace ondes
