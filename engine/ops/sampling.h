// From the network's last outputs to a sample, and to the likelihood of a given sample.
//
// With u0, u1 uniform in (0, 1), T the temperature:
//   logistic mixture   m by inverse CDF of softmax(logits / T) at u0;
//                      x = mean_m + T * exp(max(log_scale_m, floor)) * ln(u1 / (1 - u1))
//   Gaussian           x = mean + T * exp(max(log_scale, floor)) * Phi^-1(u1)
//   mu-law categorical class by inverse CDF of softmax(logits / T) at u0; x = decode(class)
// and x is clamped to [-1, 1]. T also divides the logits so that T -> 0 is continuous: T = 0 gives
// the centre of the most likely component (the first of equals).
//
// Likelihoods are those of the bin of `amplitude_levels` bins over [-1, 1] that holds the sample:
// bin k has its centre at 2k/(levels-1) - 1; the first and the last bin take the tails, as in
// PixelCNN++ (arXiv:1701.05517, eq. 2), so that a distribution sums to one over the bins. A class's
// probability is shared evenly by the bins whose centres encode to it.
//
// Only functions of engine/deterministic_math.h: the same bits on every machine. Everything is
// inline, so that a caller compiled for a wider instruction set gets its fused multiply-add instead
// of a library call. Set-up thread: constructor. Any thread: the rest.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/deterministic_math.h"
#include "engine/plan/step_plan.h"
#include "engine/random/philox.h"
#include "engine/realtime.h"

namespace ondes {

// Classes are summed in rows of this many, then rows: short dependency chains, one fixed order.
inline constexpr std::size_t kCdfRow = 16;

// First index whose cumulated weight passes u * total. Weights are not negative, one is positive.
inline std::size_t pick_by_inverse_cdf(std::span<const float> weights, float u) noexcept {
  const std::size_t count = weights.size();
  float total = 0.0F;
  for (std::size_t row = 0; row < count; row += kCdfRow) {
    float sum = 0.0F;
    for (std::size_t i = row; i < std::min(row + kCdfRow, count); ++i) {
      sum += weights[i];
    }
    total += sum;
  }
  const float threshold = u * total;
  float before = 0.0F;
  for (std::size_t row = 0; row < count; row += kCdfRow) {
    const std::size_t end = std::min(row + kCdfRow, count);
    float sum = 0.0F;
    for (std::size_t i = row; i < end; ++i) {
      sum += weights[i];
    }
    if (before + sum > threshold || end == count) {
      for (std::size_t i = row; i < end; ++i) {
        before += weights[i];
        if (before > threshold) {
          return i;
        }
      }
      return end - 1;  // rounding: u is within an ulp of 1
    }
    before += sum;
  }
  return count - 1;
}

inline std::size_t index_of_largest(std::span<const float> values) noexcept {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    best = values[i] > values[best] ? i : best;
  }
  return best;
}

// Inverse of the normal distribution function, relative error < 2e-6 (algorithm AS 241, PPND7:
// Wichura, Applied Statistics 37, 1988).
inline float inverse_normal_cdf(float u) noexcept {
  using exact::fma;
  const float q = u - 0.5F;
  if (std::fabs(q) <= 0.425F) {
    const float r = 0.180625F - q * q;
    const float p =
        fma(fma(fma(59.109374720F, r, 159.29113202F), r, 50.434271938F), r, 3.3871327179F);
    const float d = fma(fma(fma(67.187563600F, r, 78.757757664F), r, 17.895169469F), r, 1.0F);
    return q * p / d;
  }
  const float tail = q < 0.0F ? u : 1.0F - u;
  float r = std::sqrt(-exact::log(tail));
  float p = 0.0F;
  float d = 0.0F;
  if (r <= 5.0F) {
    r -= 1.6F;
    p = fma(fma(fma(0.17023821103F, r, 1.3067284816F), r, 2.7568153900F), r, 1.4234372777F);
    d = fma(fma(0.12021132975F, r, 0.73700164250F), r, 1.0F);
  } else {
    r -= 5.0F;
    p = fma(fma(fma(0.017337203997F, r, 0.42868294337F), r, 3.0812263860F), r, 6.6579051150F);
    d = fma(fma(0.012258202635F, r, 0.24197894225F), r, 1.0F);
  }
  return q < 0.0F ? -(p / d) : p / d;
}

inline float clamp_sample(float x) noexcept {
  return x < -1.0F ? -1.0F : (x > 1.0F ? 1.0F : x);
}

class OutputSampler {
 public:
  OutputSampler() = default;
  explicit OutputSampler(const StepPlan& plan);

  int outputs() const noexcept { return outputs_; }
  // Mu-law class of a sample, and the sample of a class. Plans with classes only.
  int class_of(float sample) const noexcept ONDES_REALTIME;
  float sample_of(int index) const noexcept { return decoded_[static_cast<std::size_t>(index)]; }

  // Draws from the distribution that `head` (outputs) describes. `scratch` (outputs) is
  // overwritten.
  float draw(std::span<const float> head,
             float temperature,
             const PhiloxBlock& random,
             std::span<float> scratch) const noexcept ONDES_REALTIME;

  // ln of the probability of the bin that holds `sample`, in nats.
  float log_likelihood(std::span<const float> head, float sample) const noexcept ONDES_REALTIME;

  Distribution distribution() const noexcept { return distribution_; }
  int components() const noexcept { return components_; }
  // The rest of draw() once the weights exp((logit - largest) / T) are known: a vector kernel
  // computes those itself.
  float pick_class(std::span<const float> weights, float u) const noexcept {
    return decoded_[pick_by_inverse_cdf(weights, u)];
  }

 private:
  float log_logistic_bin(float mean, float log_scale, float centre, int edge) const noexcept;
  float log_normal_bin(float mean, float log_scale, float centre, int edge) const noexcept;

  Distribution distribution_ = Distribution::logistic_mixture;
  int outputs_ = 0;
  int components_ = 0;
  int classes_ = 0;
  int levels_ = 65536;
  float log_scale_floor_ = -9.0F;
  std::vector<float> decoded_;         // (classes)
  std::vector<float> log_class_bins_;  // (classes), ln of how many bins share the class
};

inline float OutputSampler::draw(std::span<const float> head,
                                 float temperature,
                                 const PhiloxBlock& random,
                                 std::span<float> scratch) const noexcept {
  const float u0 = uniform_open(random[0]);
  const float u1 = uniform_open(random[1]);
  if (distribution_ == Distribution::gaussian) {
    if (temperature <= 0.0F) {
      return clamp_sample(head[0]);
    }
    const float scale = exact::exp(std::max(head[1], log_scale_floor_));
    return clamp_sample(exact::fma(temperature * scale, inverse_normal_cdf(u1), head[0]));
  }
  const bool mixture = distribution_ == Distribution::logistic_mixture;
  const auto choices = static_cast<std::size_t>(mixture ? components_ : classes_);
  const std::span<const float> logits = head.first(choices);
  std::size_t choice = index_of_largest(logits);
  if (temperature > 0.0F) {
    const float largest = logits[choice];
    const float sharpness = 1.0F / temperature;
    for (std::size_t i = 0; i < choices; ++i) {
      scratch[i] = exact::exp((logits[i] - largest) * sharpness);
    }
    choice = pick_by_inverse_cdf(scratch.first(choices), u0);
  }
  if (!mixture) {
    return decoded_[choice];
  }
  const float mean = head[choices + choice];
  if (temperature <= 0.0F) {
    return clamp_sample(mean);
  }
  const float scale = exact::exp(std::max(head[2 * choices + choice], log_scale_floor_));
  const float noise = exact::log(u1) - exact::log(1.0F - u1);
  return clamp_sample(exact::fma(temperature * scale, noise, mean));
}

}  // namespace ondes
