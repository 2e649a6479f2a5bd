// A network's last outputs as a distribution: the arithmetic of one draw and of one likelihood, for
// the CPU runners and, thread by thread, for the kernels of cuda/. OutputSampler
// (engine/ops/sampling.h) has the formulas with their sources and owns what the view points at.
//
// Only functions of engine/deterministic_math.h and sums in a fixed order: the same bits on every
// machine and on a GPU. Any thread.
#pragma once
#include <cmath>

#include "engine/deterministic_math.h"
#include "engine/host_device.h"
#include "engine/plan/step_plan.h"

namespace ondes {

struct DistributionView {
  Distribution kind = Distribution::logistic_mixture;
  int choices = 0;  // logits: components of a mixture, classes of a categorical, 0 of a Gaussian
  int classes = 0;  // of an embedded or categorical signal, else 0
  int levels = 65536;
  float log_scale_floor = -9.0F;
  float mu = 0.0F;                        // classes - 1
  float log_mu_plus_one = 0.0F;           // exact::log(mu + 1)
  const float* decoded = nullptr;         // (classes), the sample of a class
  const float* log_class_bins = nullptr;  // (classes), ln of how many bins share the class
};

ONDES_HOST_DEVICE inline float clamp_sample(float x) noexcept {
  return x < -1.0F ? -1.0F : (x > 1.0F ? 1.0F : x);
}

// Choices are summed in rows of this many, then rows: short dependency chains, one fixed order.
inline constexpr int kCdfRow = 16;

ONDES_HOST_DEVICE inline float cdf_row_sum(const float* weights, int count, int row) noexcept {
  const int first = row * kCdfRow;
  const int end = count - first < kCdfRow ? count : first + kCdfRow;
  float sum = 0.0F;
  for (int i = first; i < end; ++i) {
    sum += weights[i];
  }
  return sum;
}

// First index whose cumulated weight passes u * total. Weights are not negative, one is positive.
// row_sum(row) is cdf_row_sum() of the row: kept from before, or summed now.
template <typename RowSum>
ONDES_HOST_DEVICE inline int pick_by_inverse_cdf(const float* weights,
                                                 int count,
                                                 float u,
                                                 const RowSum& row_sum) noexcept {
  const int rows = (count + kCdfRow - 1) / kCdfRow;
  float total = 0.0F;
  for (int row = 0; row < rows; ++row) {
    total += row_sum(row);
  }
  const float threshold = u * total;
  float before = 0.0F;
  for (int row = 0; row < rows; ++row) {
    const float sum = row_sum(row);
    const bool last = row == rows - 1;
    if (before + sum > threshold || last) {
      const int end = last ? count : (row + 1) * kCdfRow;
      for (int i = row * kCdfRow; i < end; ++i) {
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

// The first of equals.
ONDES_HOST_DEVICE inline int index_of_largest(const float* values, int count) noexcept {
  int best = 0;
  for (int i = 1; i < count; ++i) {
    best = values[i] > values[best] ? i : best;
  }
  return best;
}

// The mu-law class of a sample.
ONDES_HOST_DEVICE inline int class_of(const DistributionView& of, float sample) noexcept {
  const float size =
      exact::log(exact::fma(of.mu, std::fabs(clamp_sample(sample)), 1.0F)) / of.log_mu_plus_one;
  const float y = sample < 0.0F ? -size : size;
  const int index = static_cast<int>(exact::fma(0.5F * of.mu, y + 1.0F, 0.5F));
  return index < 0 ? 0 : (index > of.classes - 1 ? of.classes - 1 : index);
}

// A draw once the choice is known (0 of a Gaussian); u1 in (0, 1).
ONDES_HOST_DEVICE inline float sample_of_choice(const DistributionView& of,
                                                const float* head,
                                                float temperature,
                                                float u1,
                                                int choice) noexcept {
  if (of.kind == Distribution::mu_law_categorical) {
    return of.decoded[choice];
  }
  const bool mixture = of.kind == Distribution::logistic_mixture;
  const int n = of.choices;
  const float mean = head[n + choice];
  if (temperature <= 0.0F) {
    return clamp_sample(mean);
  }
  const float log_scale = head[mixture ? 2 * n + choice : 1];
  const float scale = exact::exp(log_scale < of.log_scale_floor ? of.log_scale_floor : log_scale);
  const float noise =
      mixture ? exact::log(u1) - exact::log(1.0F - u1) : exact::inverse_normal_cdf(u1);
  return clamp_sample(exact::fma(temperature * scale, noise, mean));
}

// ln(1 + e^x), absolute error < 1e-6.
ONDES_HOST_DEVICE inline float softplus(float x) noexcept {
  const float rest = exact::log(1.0F + exact::exp(x < 0.0F ? x : -x));
  return x > 0.0F ? x + rest : rest;
}

// ln(1 - e^-d) for d > 0, without cancellation at small d.
ONDES_HOST_DEVICE inline float log_one_minus_exp(float d) noexcept {
  if (d < 0.05F) {
    // (1 - e^-d) / d = 1 - d/2 + d^2/6 - ...; its logarithm is -d/2 + d^2/24 + O(d^4).
    return exact::log(d) + d * exact::fma(d, 1.0F / 24.0F, -0.5F);
  }
  return exact::log(1.0F - exact::exp(-d));
}

// ln of the upper tail of the normal distribution, ln(1 - Phi(x)). For x >= 0 through the
// continued fraction's Chebyshev form of erfc (relative error 1.2e-7; Press et al., Numerical
// Recipes, 2nd edition, section 6.2), whose factor exp(-x^2/2) stays a logarithm here.
ONDES_HOST_DEVICE inline float log_normal_tail(float x) noexcept {
  using exact::fma;
  const float z = (x < 0.0F ? -x : x) * 0.70710678F;
  const float t = 1.0F / fma(0.5F, z, 1.0F);
  float p = 0.17087277F;
  p = fma(p, t, -0.82215223F);
  p = fma(p, t, 1.48851587F);
  p = fma(p, t, -1.13520398F);
  p = fma(p, t, 0.27886807F);
  p = fma(p, t, -0.18628806F);
  p = fma(p, t, 0.09678418F);
  p = fma(p, t, 0.37409196F);
  p = fma(p, t, 1.00002368F);
  p = fma(p, t, -1.26551223F);
  const float log_tail = exact::log(0.5F * t) + (p - z * z);
  return x >= 0.0F ? log_tail : exact::log(1.0F - exact::exp(log_tail));
}

// A bin of the amplitude in units of a distribution's scale, from its mean.
struct ScaledBin {
  float lower, middle, upper, width;
  int edge;  // -1 the first bin, +1 the last, 0 between
};

ONDES_HOST_DEVICE inline ScaledBin scaled_bin(
    float mean, float log_scale, float centre, int levels, int edge) noexcept {
  const float inverse_scale = exact::exp(-log_scale);
  const float half = 1.0F / static_cast<float>(levels - 1);
  return {(centre - mean - half) * inverse_scale, (centre - mean) * inverse_scale,
          (centre - mean + half) * inverse_scale, 2.0F * half * inverse_scale, edge};
}

//   sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - e^(b-a)): a product, so nothing cancels.
ONDES_HOST_DEVICE inline float log_logistic_bin(const ScaledBin& bin) noexcept {
  if (bin.edge < 0) {
    return -softplus(-bin.upper);
  }
  if (bin.edge > 0) {
    return -softplus(bin.lower);
  }
  return log_one_minus_exp(bin.width) - softplus(-bin.upper) - softplus(bin.lower);
}

ONDES_HOST_DEVICE inline float log_normal_bin(const ScaledBin& bin) noexcept {
  if (bin.edge < 0) {
    return log_normal_tail(-bin.upper);
  }
  if (bin.edge > 0) {
    return log_normal_tail(bin.lower);
  }
  if (bin.width < 0.05F && std::fabs(bin.middle) * bin.width < 0.5F) {
    // Midpoint rule with its second-order term: the density changes little within the bin.
    const float curvature =
        (bin.middle * bin.middle - 1.0F) * bin.width * bin.width * (1.0F / 24.0F);
    return exact::log(bin.width) + exact::fma(-0.5F * bin.middle, bin.middle, -0.91893853F) +
           exact::log(1.0F + curvature);
  }
  // Difference of tails on the side where they are small.
  const float near = bin.middle >= 0.0F ? bin.lower : -bin.upper;
  const float far = bin.middle >= 0.0F ? bin.upper : -bin.lower;
  const float log_near = log_normal_tail(near);
  const float ratio = log_normal_tail(far) - log_near;
  return log_near + log_one_minus_exp(-ratio < 1e-30F ? 1e-30F : -ratio);
}

// ln of the probability of the bin that holds `sample`, in nats.
ONDES_HOST_DEVICE inline float log_likelihood(const DistributionView& of,
                                              const float* head,
                                              float sample) noexcept {
  const auto floored = [&of](float log_scale) {
    return log_scale < of.log_scale_floor ? of.log_scale_floor : log_scale;
  };
  const float top = static_cast<float>(of.levels - 1);
  const float bin = std::floor(exact::fma(0.5F * top, clamp_sample(sample) + 1.0F, 0.5F));
  const float centre = 2.0F * bin / top - 1.0F;
  const int edge = bin <= 0.0F ? -1 : (bin >= top ? 1 : 0);
  if (of.kind == Distribution::gaussian) {
    return log_normal_bin(scaled_bin(head[0], floored(head[1]), centre, of.levels, edge));
  }
  const int n = of.choices;
  const float largest = head[index_of_largest(head, n)];
  float total = 0.0F;
  for (int i = 0; i < n; ++i) {
    total += exact::exp(head[i] - largest);
  }
  const float log_total = largest + exact::log(total);
  if (of.kind == Distribution::mu_law_categorical) {
    const int index = class_of(of, centre);
    return head[index] - log_total - of.log_class_bins[index];
  }
  // ln sum exp over components, first the largest term.
  float best = -1e30F;
  float sum = 0.0F;
  for (int m = 0; m < n; ++m) {
    const ScaledBin scaled =
        scaled_bin(head[n + m], floored(head[2 * n + m]), centre, of.levels, edge);
    const float term = head[m] - log_total + log_logistic_bin(scaled);
    if (term > best) {
      sum = exact::fma(sum, exact::exp(best - term), 1.0F);
      best = term;
    } else {
      sum += exact::exp(term - best);
    }
  }
  return best + exact::log(sum);
}

}  // namespace ondes
