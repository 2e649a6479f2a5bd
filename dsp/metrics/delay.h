// By how many whole samples one recording is late against another.
//
//   r[d] = sum over n of reference[n] generated[n + d],   |d| <= max_delay
//   correlation = r[d] / sqrt(sum of reference^2 . sum of generated^2)
//
// The d of the greatest r, or 0 where no correlation reaches `minimum_correlation`: what a model
// made anew has other phases, its best lag says nothing. Of equal ones the d nearest to 0.
// A positive delay: the generated sound is late; cut that many samples off its start.
//
// Throws Error{usage} for a negative maximum, Error{bad_input} for NaN, infinity and samples beyond
// 1e6. Empty or silent signals have delay 0 and correlation 0. Any thread; allocates transforms of
// at least four times the maximum.
#pragma once
#include <cstdint>
#include <span>

namespace ondes {

struct Delay {
  std::int64_t samples = 0;
  double correlation = 0.0;  // at that delay
};

Delay estimate_delay(std::span<const float> reference,
                     std::span<const float> generated,
                     std::int64_t max_delay_samples,
                     double minimum_correlation = 0.5);

}  // namespace ondes
