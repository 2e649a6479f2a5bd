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
// The arithmetic is engine/ops/output_distribution.h: the same bits on every machine. Everything is
// inline, so that a caller compiled for a wider instruction set gets its fused multiply-add instead
// of a library call. Set-up thread: constructor. Any thread: the rest.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "engine/ops/output_distribution.h"
#include "engine/plan/step_plan.h"
#include "engine/random/philox.h"
#include "engine/realtime.h"

namespace ondes {

class OutputSampler {
 public:
  OutputSampler() = default;
  explicit OutputSampler(const StepPlan& plan);

  int outputs() const noexcept { return outputs_; }
  // Mu-law class of a sample, and the sample of a class. Plans with classes only.
  int class_of(float sample) const noexcept ONDES_REALTIME {
    return ondes::class_of(view(), sample);
  }
  float sample_of(int index) const noexcept { return decoded_[static_cast<std::size_t>(index)]; }

  // Draws from the distribution that `head` (outputs) describes. `scratch` (outputs) is
  // overwritten.
  float draw(std::span<const float> head,
             float temperature,
             const PhiloxBlock& random,
             std::span<float> scratch) const noexcept ONDES_REALTIME;

  // ln of the probability of the bin that holds `sample`, in nats.
  float log_likelihood(std::span<const float> head, float sample) const noexcept ONDES_REALTIME {
    return ondes::log_likelihood(view(), head.data(), sample);
  }

  Distribution distribution() const noexcept { return view_.kind; }
  int components() const noexcept { return components_; }
  // The rest of draw() once the weights exp((logit - largest) / T) are known: a vector kernel
  // computes those itself.
  float pick_class(std::span<const float> weights, float u) const noexcept {
    return sample_of(pick(weights.data(), static_cast<int>(weights.size()), u));
  }

  // What the functions of output_distribution.h take; points into this sampler.
  DistributionView view() const noexcept {
    DistributionView view = view_;
    view.decoded = decoded_.data();
    view.log_class_bins = log_class_bins_.data();
    return view;
  }
  std::span<const float> decoded() const noexcept { return decoded_; }
  std::span<const float> log_class_bins() const noexcept { return log_class_bins_; }

 private:
  static int pick(const float* weights, int count, float u) noexcept {
    return pick_by_inverse_cdf(weights, count, u,
                               [&](int row) { return cdf_row_sum(weights, count, row); });
  }

  DistributionView view_;  // without its pointers: they would not survive a copy
  int outputs_ = 0;
  int components_ = 0;
  std::vector<float> decoded_;         // (classes)
  std::vector<float> log_class_bins_;  // (classes)
};

inline float OutputSampler::draw(std::span<const float> head,
                                 float temperature,
                                 const PhiloxBlock& random,
                                 std::span<float> scratch) const noexcept {
  int choice = 0;
  if (view_.kind != Distribution::gaussian) {
    const int choices = view_.choices;
    choice = index_of_largest(head.data(), choices);
    if (temperature > 0.0F) {
      const float largest = head[static_cast<std::size_t>(choice)];
      const float sharpness = 1.0F / temperature;
      for (std::size_t i = 0; i < static_cast<std::size_t>(choices); ++i) {
        scratch[i] = exact::exp((head[i] - largest) * sharpness);
      }
      choice = pick(scratch.data(), choices, uniform_open(random[0]));
    }
  }
  return sample_of_choice(view(), head.data(), temperature, uniform_open(random[1]), choice);
}

}  // namespace ondes
