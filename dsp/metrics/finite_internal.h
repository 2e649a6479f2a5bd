// The one check every measure of sounds and features begins with: what is not a number is refused,
// with its place, instead of becoming one.
//
// Throws Error{bad_input} naming the measure and the index, Error{usage} for lengths that differ.
#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "engine/error.h"
#include "engine/views.h"

namespace ondes {

template <typename T>
void require_finite(std::span<const T> x, const std::string& measure, const std::string& what) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) {
      throw Error(ErrorCode::bad_input, measure + ": " + what + "[" + std::to_string(i) +
                                            "]: expected a finite number, found " +
                                            (std::isnan(x[i]) ? "NaN" : "infinity"));
    }
  }
}

inline void require_finite(ConstFrames x, const std::string& measure, const std::string& what) {
  for (int t = 0; t < x.frames(); ++t) {
    require_finite<float>(x[t], measure, what + ", frame " + std::to_string(t));
  }
}

inline void require_finite_pair(std::span<const float> reference,
                                std::span<const float> generated,
                                const std::string& measure) {
  require_finite<float>(reference, measure, "reference");
  require_finite<float>(generated, measure, "generated");
}

inline void require_same_length(std::size_t reference,
                                std::size_t generated,
                                const std::string& measure) {
  if (reference != generated) {
    throw Error(ErrorCode::usage, measure + ": expected two signals of one length, found " +
                                      std::to_string(reference) + " and " +
                                      std::to_string(generated) + " samples");
  }
}

}  // namespace ondes
