#include "dsp/metrics/si_sdr.h"

#include <algorithm>
#include <cmath>

#include "dsp/metrics/finite_internal.h"

namespace ondes {

Measured si_sdr_db(std::span<const float> reference, std::span<const float> generated) {
  require_same_length(reference.size(), generated.size(), "SI-SDR");
  require_sounds(reference, generated, "SI-SDR");
  if (reference.empty()) {
    return Measured::none("no samples");
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
    return Measured::none("the reference is silent");
  }
  if (silent(gg, generated_mean)) {
    return Measured::none("the generated sound is silent");
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
