// The one check every measure of sounds and features begins with: what is not a number is refused,
// with its place, instead of becoming one. Sounds are also refused beyond a million times full
// scale (integers read as floats are within): their powers would overflow into infinities.
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

inline void require_sound(std::span<const float> x,
                          const std::string& measure,
                          const std::string& what) {
  constexpr float kLoudest = 1e6F;
  require_finite<float>(x, measure, what);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::abs(x[i]) > kLoudest) {
      throw Error(ErrorCode::bad_input, measure + ": " + what + "[" + std::to_string(i) +
                                            "]: expected at most 1e6 (full scale is 1), found " +
                                            std::to_string(x[i]));
    }
  }
}

inline void require_sounds(std::span<const float> reference,
                           std::span<const float> generated,
                           const std::string& measure) {
  require_sound(reference, measure, "reference");
  require_sound(generated, measure, "generated");
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
