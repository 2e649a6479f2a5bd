// From the head's outputs to a sample, and to the likelihood of a given one: OutputSampler
// (engine/ops/sampling.h, which has the formulas and their sources) for one thread of a kernel.
//
// The parts that a block's threads share (maxima, exponentials and sums in rows of 16) are in
// step_kernel_internal.h; the orders of all sums are OutputSampler's, so a GPU draws the bits that a CPU draws
// from the same outputs. tests/cuda/test_step_math.cpp compares bit by bit. Any thread.
#pragma once
#include <cstdint>

#include "cuda/host_device.h"
#include "cuda/step_math.h"

namespace ondes::gpu {

inline constexpr int kCdfRow = 16;

enum class SampleKind { mu_law_categorical, logistic_mixture, gaussian };

struct SamplerView {
  SampleKind kind = SampleKind::logistic_mixture;
  int choices = 0;  // logits: components of a mixture, classes of a categorical
  int classes = 0;  // of an embedded or categorical signal, else 0
  int levels = 65536;
  float log_scale_floor = -9.0F;
  float mu = 0.0F;
  float log_mu_plus_one = 0.0F;           // exact::log(mu + 1)
  const float* decoded = nullptr;         // (classes)
  const float* log_class_bins = nullptr;  // (classes)
};

ONDES_HOST_DEVICE inline int class_of(const SamplerView& sampler, float sample) {
  const float size =
      log(fma(sampler.mu, magnitude(clamp_sample(sample)), 1.0F)) / sampler.log_mu_plus_one;
  const float y = sample < 0.0F ? -size : size;
  const int index = static_cast<int>(fma(0.5F * sampler.mu, y + 1.0F, 0.5F));
  return index < 0 ? 0 : (index > sampler.classes - 1 ? sampler.classes - 1 : index);
}

// The first index whose cumulated weight passes u * total; row_sums are those of rows of kCdfRow.
ONDES_HOST_DEVICE inline int pick_by_inverse_cdf(const float* weights,
                                                 const float* row_sums,
                                                 int count,
                                                 float u) {
  const int rows = (count + kCdfRow - 1) / kCdfRow;
  float total = 0.0F;
  for (int row = 0; row < rows; ++row) {
    total += row_sums[row];
  }
  const float threshold = u * total;
  float before = 0.0F;
  for (int row = 0; row < rows; ++row) {
    const int end = smaller((row + 1) * kCdfRow, count);
    if (before + row_sums[row] > threshold || end == count) {
      for (int i = row * kCdfRow; i < end; ++i) {
        before += weights[i];
        if (before > threshold) {
          return i;
        }
      }
      return end - 1;
    }
    before += row_sums[row];
  }
  return count - 1;
}

ONDES_HOST_DEVICE inline int index_of_largest(const float* values, int count) {
  int best = 0;
  for (int i = 1; i < count; ++i) {
    best = values[i] > values[best] ? i : best;
  }
  return best;
}

// The rest of a draw once the choice is known (not used by a Gaussian: 0).
ONDES_HOST_DEVICE inline float draw_sample(
    const SamplerView& sampler, const float* head, float temperature, float u1, int choice) {
  if (sampler.kind == SampleKind::mu_law_categorical) {
    return sampler.decoded[choice];
  }
  const bool mixture = sampler.kind == SampleKind::logistic_mixture;
  const int n = mixture ? sampler.choices : 0;
  const float mean = head[n + choice];
  if (temperature <= 0.0F) {
    return clamp_sample(mean);
  }
  const float log_scale = head[mixture ? 2 * n + choice : 1];
  const float scale = exp(larger(log_scale, sampler.log_scale_floor));
  const float noise = mixture ? log(u1) - log(1.0F - u1) : inverse_normal_cdf(u1);
  return clamp_sample(fma(temperature * scale, noise, mean));
}

ONDES_HOST_DEVICE inline float softplus(float x) {
  const float rest = log(1.0F + exp(x < 0.0F ? x : -x));
  return x > 0.0F ? x + rest : rest;
}

ONDES_HOST_DEVICE inline float log_one_minus_exp(float d) {
  if (d < 0.05F) {
    return log(d) + d * fma(d, 1.0F / 24.0F, -0.5F);
  }
  return log(1.0F - exp(-d));
}

ONDES_HOST_DEVICE inline float log_normal_tail(float x) {
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
  const float log_tail = log(0.5F * t) + (p - z * z);
  return x >= 0.0F ? log_tail : log(1.0F - exp(log_tail));
}

// A bin of the amplitude, in units of a distribution's scale from its mean.
struct ScaledBin {
  float lower, middle, upper, width;
  int edge;  // -1 the first bin, +1 the last, 0 between
};

ONDES_HOST_DEVICE inline ScaledBin scaled_bin(
    float mean, float log_scale, float centre, int levels, int edge) {
  const float inverse_scale = exp(-log_scale);
  const float half = 1.0F / static_cast<float>(levels - 1);
  return {(centre - mean - half) * inverse_scale, (centre - mean) * inverse_scale,
          (centre - mean + half) * inverse_scale, 2.0F * half * inverse_scale, edge};
}

ONDES_HOST_DEVICE inline float log_logistic_bin(const ScaledBin& bin) {
  if (bin.edge < 0) {
    return -softplus(-bin.upper);
  }
  if (bin.edge > 0) {
    return -softplus(bin.lower);
  }
  return log_one_minus_exp(bin.width) - softplus(-bin.upper) - softplus(bin.lower);
}

ONDES_HOST_DEVICE inline float log_normal_bin(const ScaledBin& bin) {
  if (bin.edge < 0) {
    return log_normal_tail(-bin.upper);
  }
  if (bin.edge > 0) {
    return log_normal_tail(bin.lower);
  }
  if (bin.width < 0.05F && magnitude(bin.middle) * bin.width < 0.5F) {
    const float curvature =
        (bin.middle * bin.middle - 1.0F) * bin.width * bin.width * (1.0F / 24.0F);
    return log(bin.width) + fma(-0.5F * bin.middle, bin.middle, -0.91893853F) +
           log(1.0F + curvature);
  }
  const float near = bin.middle >= 0.0F ? bin.lower : -bin.upper;
  const float far = bin.middle >= 0.0F ? bin.upper : -bin.lower;
  const float log_near = log_normal_tail(near);
  const float ratio = log_normal_tail(far) - log_near;
  return log_near + log_one_minus_exp(larger(-ratio, 1e-30F));
}

ONDES_HOST_DEVICE inline float log_likelihood(const SamplerView& sampler,
                                              const float* head,
                                              float sample) {
  const float top = static_cast<float>(sampler.levels - 1);
  const float bin = floorf(fma(0.5F * top, clamp_sample(sample) + 1.0F, 0.5F));
  const float centre = 2.0F * bin / top - 1.0F;
  const int edge = bin <= 0.0F ? -1 : (bin >= top ? 1 : 0);
  if (sampler.kind == SampleKind::gaussian) {
    return log_normal_bin(scaled_bin(head[0], larger(head[1], sampler.log_scale_floor), centre,
                                     sampler.levels, edge));
  }
  const int n = sampler.choices;
  const float largest = head[index_of_largest(head, n)];
  float total = 0.0F;
  for (int i = 0; i < n; ++i) {
    total += exp(head[i] - largest);
  }
  const float log_total = largest + log(total);
  if (sampler.kind == SampleKind::mu_law_categorical) {
    const int index = class_of(sampler, centre);
    return head[index] - log_total - sampler.log_class_bins[index];
  }
  float best = -1e30F;
  float sum = 0.0F;
  for (int m = 0; m < n; ++m) {
    const float log_scale = larger(head[2 * n + m], sampler.log_scale_floor);
    const float term =
        head[m] - log_total +
        log_logistic_bin(scaled_bin(head[n + m], log_scale, centre, sampler.levels, edge));
    if (term > best) {
      sum = fma(sum, exp(best - term), 1.0F);
      best = term;
    } else {
      sum += exp(term - best);
    }
  }
  return best + log(sum);
}

}  // namespace ondes::gpu
