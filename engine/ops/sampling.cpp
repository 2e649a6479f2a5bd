#include "engine/ops/sampling.h"

#include <cmath>

namespace ondes {
namespace {

using exact::fma;

// ln(1 + e^x), absolute error < 1e-6.
float softplus(float x) {
  const float magnitude = x < 0.0F ? -x : x;
  const float rest = exact::log(1.0F + exact::exp(-magnitude));
  return x > 0.0F ? x + rest : rest;
}

// ln(1 - e^-d) for d > 0, without cancellation at small d.
float log_one_minus_exp(float d) {
  if (d < 0.05F) {
    // (1 - e^-d) / d = 1 - d/2 + d^2/6 - ...; its logarithm is -d/2 + d^2/24 + O(d^4).
    return exact::log(d) + d * fma(d, 1.0F / 24.0F, -0.5F);
  }
  return exact::log(1.0F - exact::exp(-d));
}

// ln of the upper tail of the normal distribution, ln(1 - Phi(x)). For x >= 0 through the
// continued fraction's Chebyshev form of erfc (relative error 1.2e-7; Press et al., Numerical
// Recipes, 2nd edition, section 6.2), whose factor exp(-x^2/2) stays a logarithm here.
float log_normal_tail(float x) {
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
};

ScaledBin scaled_bin(float mean, float log_scale, float centre, int levels) {
  const float inverse_scale = exact::exp(-log_scale);
  const float half = 1.0F / static_cast<float>(levels - 1);
  return {(centre - mean - half) * inverse_scale, (centre - mean) * inverse_scale,
          (centre - mean + half) * inverse_scale, 2.0F * half * inverse_scale};
}

}  // namespace

OutputSampler::OutputSampler(const StepPlan& plan)
    : distribution_(plan.distribution),
      outputs_(plan.output.outputs),
      components_(plan.mixture_components),
      classes_(plan.classes),
      levels_(plan.amplitude_levels),
      log_scale_floor_(plan.log_scale_floor) {
  if (classes_ < 2) {
    return;
  }
  const auto classes = static_cast<std::size_t>(classes_);
  const float mu = static_cast<float>(classes_ - 1);
  const float log2_base = exact::log(mu + 1.0F) * 1.44269504F;
  decoded_.resize(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    const float y = 2.0F * static_cast<float>(c) / mu - 1.0F;
    const float magnitude = (exact::exp2(std::fabs(y) * log2_base) - 1.0F) / mu;
    decoded_[c] = clamp_sample(y < 0.0F ? -magnitude : magnitude);
  }
  std::vector<int> bins(classes, 0);
  for (int k = 0; k < levels_; ++k) {
    const float centre = 2.0F * static_cast<float>(k) / static_cast<float>(levels_ - 1) - 1.0F;
    ++bins[static_cast<std::size_t>(class_of(centre))];
  }
  log_class_bins_.resize(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    log_class_bins_[c] = exact::log(static_cast<float>(std::max(bins[c], 1)));
  }
}

int OutputSampler::class_of(float sample) const noexcept {
  const float mu = static_cast<float>(classes_ - 1);
  const float magnitude =
      exact::log(fma(mu, std::fabs(clamp_sample(sample)), 1.0F)) / exact::log(mu + 1.0F);
  const float y = sample < 0.0F ? -magnitude : magnitude;
  const int index = static_cast<int>(fma(0.5F * mu, y + 1.0F, 0.5F));
  return std::clamp(index, 0, classes_ - 1);
}

// edge: -1 the first bin, +1 the last, 0 between.
//   sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - e^(b-a)): a product, so nothing cancels.
float OutputSampler::log_logistic_bin(float mean,
                                      float log_scale,
                                      float centre,
                                      int edge) const noexcept {
  const ScaledBin bin = scaled_bin(mean, log_scale, centre, levels_);
  if (edge < 0) {
    return -softplus(-bin.upper);
  }
  if (edge > 0) {
    return -softplus(bin.lower);
  }
  return log_one_minus_exp(bin.width) - softplus(-bin.upper) - softplus(bin.lower);
}

float OutputSampler::log_normal_bin(float mean,
                                    float log_scale,
                                    float centre,
                                    int edge) const noexcept {
  const auto [lower, middle, upper, width] = scaled_bin(mean, log_scale, centre, levels_);
  if (edge < 0) {
    return log_normal_tail(-upper);
  }
  if (edge > 0) {
    return log_normal_tail(lower);
  }
  if (width < 0.05F && std::fabs(middle) * width < 0.5F) {
    // Midpoint rule with its second-order term: the density changes little within the bin.
    const float curvature = (middle * middle - 1.0F) * width * width * (1.0F / 24.0F);
    return exact::log(width) + fma(-0.5F * middle, middle, -0.91893853F) +
           exact::log(1.0F + curvature);
  }
  // Difference of tails on the side where they are small.
  const float near = middle >= 0.0F ? lower : -upper;
  const float far = middle >= 0.0F ? upper : -lower;
  const float log_near = log_normal_tail(near);
  const float ratio = log_normal_tail(far) - log_near;
  return log_near + log_one_minus_exp(std::max(-ratio, 1e-30F));
}

float OutputSampler::log_likelihood(std::span<const float> head, float sample) const noexcept {
  const auto top = static_cast<float>(levels_ - 1);
  const float bin = std::floor(fma(0.5F * top, clamp_sample(sample) + 1.0F, 0.5F));
  const float centre = 2.0F * bin / top - 1.0F;
  const int edge = bin <= 0.0F ? -1 : (bin >= top ? 1 : 0);
  if (distribution_ == Distribution::gaussian) {
    return log_normal_bin(head[0], std::max(head[1], log_scale_floor_), centre, edge);
  }
  const bool mixture = distribution_ == Distribution::logistic_mixture;
  const auto choices = static_cast<std::size_t>(mixture ? components_ : classes_);
  const std::span<const float> logits = head.first(choices);
  const float largest = logits[index_of_largest(logits)];
  float total = 0.0F;
  for (const float logit : logits) {
    total += exact::exp(logit - largest);
  }
  const float log_total = largest + exact::log(total);
  if (!mixture) {
    const auto index = static_cast<std::size_t>(class_of(centre));
    return logits[index] - log_total - log_class_bins_[index];
  }
  // ln sum exp over components, first the largest term.
  float best = -1e30F;
  float sum = 0.0F;
  for (std::size_t m = 0; m < choices; ++m) {
    const float log_scale = std::max(head[2 * choices + m], log_scale_floor_);
    const float term =
        logits[m] - log_total + log_logistic_bin(head[choices + m], log_scale, centre, edge);
    if (term > best) {
      sum = fma(sum, exact::exp(best - term), 1.0F);
      best = term;
    } else {
      sum += exact::exp(term - best);
    }
  }
  return best + exact::log(sum);
}

}  // namespace ondes
