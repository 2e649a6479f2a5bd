#include "dsp/metrics/si_sdr.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "dsp/metrics/finite_internal.h"

namespace ondes {

namespace {

// Why a sound without its mean has no power: what was handed over may be the beginning of a longer
// one, so how much of it was looked at is said.
Measured nothing_left(const std::string& which, std::span<const float> x, double mean) {
  const std::string where = " over the " + std::to_string(x.size()) + " samples compared";
  constexpr double kQuietest = 1e-15;  // -300 dBFS
  return Measured::none(std::abs(mean) <= kQuietest ? "the " + which + " is silent" + where
                                                    : "the " + which + " is constant" + where);
}

}  // namespace

Measured si_sdr_db(std::span<const float> reference, std::span<const float> generated) {
  require_same_length(reference.size(), generated.size(), "SI-SDR");
  require_sounds(reference, generated, "SI-SDR");
  if (reference.empty()) {
    return Measured::none("no samples");
  }
  if (reference.size() == 1) {
    return Measured::none("only 1 sample to compare: nothing is left of it without its mean");
  }
  const auto count = static_cast<double>(reference.size());
  double reference_mean = 0.0;
  double generated_mean = 0.0;
  for (std::size_t n = 0; n < reference.size(); ++n) {
    reference_mean += static_cast<double>(reference[n]);
    generated_mean += static_cast<double>(generated[n]);
  }
  reference_mean /= count;
  generated_mean /= count;
  double rr = 0.0;
  double rg = 0.0;
  double gg = 0.0;
  for (std::size_t n = 0; n < reference.size(); ++n) {
    const double r = static_cast<double>(reference[n]) - reference_mean;
    const double g = static_cast<double>(generated[n]) - generated_mean;
    rr += r * r;
    rg += r * g;
    gg += g * g;
  }
  // A constant leaves what its mean was rounded to; -300 dBFS a sample is silence in any case.
  const auto silent = [count](double power, double mean) {
    return power <= count * std::max(1e-30, 1e-24 * mean * mean);
  };
  if (silent(rr, reference_mean)) {
    return nothing_left("reference", reference, reference_mean);
  }
  if (silent(gg, generated_mean)) {
    return nothing_left("generated sound", generated, generated_mean);
  }
  const double scale = rg / rr;
  double distortion = 0.0;  // summed directly: gg - rg^2 / rr cancels where it is small
  for (std::size_t n = 0; n < reference.size(); ++n) {
    const double r = static_cast<double>(reference[n]) - reference_mean;
    const double g = static_cast<double>(generated[n]) - generated_mean;
    distortion += (g - scale * r) * (g - scale * r);
  }
  const double target = scale * scale * rr;
  if (distortion <= 1e-28 * gg) {
    return Measured::none("no distortion: the sounds are equal up to gain and offset");
  }
  if (target <= 1e-28 * gg) {
    return Measured::none("the sounds have nothing in common: no target in the generated one");
  }
  return 10.0 * std::log10(target / distortion);
}

}  // namespace ondes
