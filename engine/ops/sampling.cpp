#include "engine/ops/sampling.h"

#include <algorithm>
#include <cmath>

namespace ondes {

OutputSampler::OutputSampler(const StepPlan& plan)
    : outputs_(plan.output.outputs), components_(plan.mixture_components) {
  view_.kind = plan.distribution;
  view_.classes = plan.classes;
  view_.levels = plan.amplitude_levels;
  view_.log_scale_floor = plan.log_scale_floor;
  view_.choices = plan.distribution == Distribution::gaussian           ? 0
                  : plan.distribution == Distribution::logistic_mixture ? plan.mixture_components
                                                                        : plan.classes;
  if (plan.classes < 2) {
    return;
  }
  const auto classes = static_cast<std::size_t>(plan.classes);
  view_.mu = static_cast<float>(plan.classes - 1);
  view_.log_mu_plus_one = exact::log(view_.mu + 1.0F);
  const float log2_base = view_.log_mu_plus_one * 1.44269504F;
  decoded_.resize(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    const float y = 2.0F * static_cast<float>(c) / view_.mu - 1.0F;
    const float magnitude = (exact::exp2(std::fabs(y) * log2_base) - 1.0F) / view_.mu;
    decoded_[c] = clamp_sample(y < 0.0F ? -magnitude : magnitude);
  }
  std::vector<int> bins(classes, 0);
  for (int k = 0; k < view_.levels; ++k) {
    const float centre = 2.0F * static_cast<float>(k) / static_cast<float>(view_.levels - 1) - 1.0F;
    ++bins[static_cast<std::size_t>(class_of(centre))];
  }
  log_class_bins_.resize(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    log_class_bins_[c] = exact::log(static_cast<float>(std::max(bins[c], 1)));
  }
}

}  // namespace ondes
