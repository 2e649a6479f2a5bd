#include "dsp/metrics/spectral_distances.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <optional>
#include <sstream>

#include "dsp/fft.h"
#include "dsp/metrics/finite_internal.h"
#include "dsp/stft.h"
#include "engine/error.h"

namespace ondes {

namespace {

void require_sizes(const SpectralResolution& r, double floor) {
  if (r.fft_size < 2 || r.fft_size % 2 != 0 || r.hop_samples < 1 || r.window_samples < 1 ||
      r.window_samples > r.fft_size || !(floor > 0.0)) {
    throw Error(ErrorCode::usage,
                "spectral distances: expected an even fft size, a hop of at least 1, a window of "
                "1 to the fft size and a floor above 0, found " +
                    std::to_string(r.fft_size) + ", " + std::to_string(r.hop_samples) + ", " +
                    std::to_string(r.window_samples) + " and " + std::to_string(floor));
  }
}

// One signal's frames, in turn, reflected at both ends. The sums want float magnitudes only, so a
// frame's power is all that is kept.
class ReflectedFrames {
 public:
  ReflectedFrames(std::span<const float> x, const SpectralResolution& resolution)
      : fft_(resolution.fft_size),
        window_(static_cast<std::size_t>(resolution.fft_size), 0.0F),
        padded_(x.size() + static_cast<std::size_t>(resolution.fft_size)),
        hop_(static_cast<std::size_t>(resolution.hop_samples)) {
    const std::vector<float> hann = periodic_hann(resolution.window_samples);
    std::copy(hann.begin(), hann.end(),
              window_.begin() + (resolution.fft_size - resolution.window_samples) / 2);
    const auto half = static_cast<std::size_t>(resolution.fft_size / 2);
    std::copy(x.begin(), x.end(), padded_.begin() + resolution.fft_size / 2);
    for (std::size_t i = 1; i <= half; ++i) {
      padded_[half - i] = x[i];
      padded_[half + x.size() - 1 + i] = x[x.size() - 1 - i];
    }
  }

  // max(|X|^2, floor_power) of frame t into `power` (K).
  void power(std::size_t t, float floor_power, std::span<float> power) {
    const float* from = padded_.data() + t * hop_;
    const std::span<float> in = fft_.input();
    for (std::size_t n = 0; n < in.size(); ++n) {
      in[n] = window_[n] * from[n];
    }
    fft_.transform();
    const std::span<const std::complex<float>> out = fft_.output();
    for (std::size_t k = 0; k < power.size(); ++k) {
      const float re = out[k].real();
      const float im = out[k].imag();
      power[k] = std::max(re * re + im * im, floor_power);
    }
  }

 private:
  RealFft fft_;
  std::vector<float> window_;
  std::vector<float> padded_;
  std::size_t hop_;
};

struct Sums {
  double difference_power = 0.0;  // of (G - R)^2
  double reference_power = 0.0;   // of R^2
  double log = 0.0;               // of |ln G - ln R|
  double linear = 0.0;            // of |G - R|
  double frame_log_rms = 0.0;     // of sqrt(mean over k of (ln G - ln R)^2)
};

// A frame's sums: four short loops that the compiler vectorises, but for the logarithm.
void add_frame(std::span<const float> r, std::span<const float> g, Sums& sums) {
  double difference_power = 0.0;
  double linear = 0.0;
  double reference_power = 0.0;
  double log = 0.0;
  double log_power = 0.0;
  for (std::size_t k = 0; k < r.size(); ++k) {
    const double difference =
        std::sqrt(static_cast<double>(g[k])) - std::sqrt(static_cast<double>(r[k]));
    difference_power += difference * difference;
    linear += std::abs(difference);
    reference_power += static_cast<double>(r[k]);
  }
  for (std::size_t k = 0; k < r.size(); ++k) {
    // Of powers, so half: one logarithm for both magnitudes.
    const double ratio = 0.5 * static_cast<double>(std::log(g[k] / r[k]));
    log += std::abs(ratio);
    log_power += ratio * ratio;
  }
  sums.difference_power += difference_power;
  sums.reference_power += reference_power;
  sums.log += log;
  sums.linear += linear;
  sums.frame_log_rms += std::sqrt(log_power / static_cast<double>(r.size()));
}

SpectralDistances without(const std::string& reason) {
  SpectralDistances result;
  result.spectral_convergence = Measured::none(reason);
  result.log_magnitude = Measured::none(reason);
  result.linear_magnitude = Measured::none(reason);
  result.log_spectral_distance_db = Measured::none(reason);
  return result;
}

bool silent(std::span<const float> x) {
  return std::all_of(x.begin(), x.end(), [](float value) { return value == 0.0F; });
}

SpectralDistances distances_of(std::span<const float> reference,
                               std::span<const float> generated,
                               const SpectralResolution& resolution,
                               double magnitude_floor) {
  require_sizes(resolution, magnitude_floor);
  if (reference.size() < static_cast<std::size_t>(resolution.fft_size / 2 + 1)) {
    return without("needs at least " + std::to_string(resolution.fft_size / 2 + 1) +
                   " samples, found " + std::to_string(reference.size()));
  }
  ReflectedFrames reference_frames(reference, resolution);
  ReflectedFrames generated_frames(generated, resolution);
  const auto bins = static_cast<std::size_t>(resolution.fft_size / 2 + 1);
  const std::size_t frames =
      1 + reference.size() / static_cast<std::size_t>(resolution.hop_samples);
  const auto floor_power = static_cast<float>(magnitude_floor * magnitude_floor);
  std::vector<float> r(bins);
  std::vector<float> g(bins);
  Sums sums;
  for (std::size_t t = 0; t < frames; ++t) {
    reference_frames.power(t, floor_power, r);
    generated_frames.power(t, floor_power, g);
    add_frame(r, g, sums);
  }
  const double values = static_cast<double>(frames) * static_cast<double>(bins);
  SpectralDistances result;
  result.frames = static_cast<std::int64_t>(frames);
  if (silent(reference)) {
    result.spectral_convergence = Measured::none("the reference is silent");
  } else {
    result.spectral_convergence = std::sqrt(sums.difference_power / sums.reference_power);
  }
  result.log_magnitude = sums.log / values;
  result.linear_magnitude = sums.linear / values;
  result.log_spectral_distance_db =
      20.0 / std::log(10.0) * sums.frame_log_rms / static_cast<double>(frames);
  return result;
}

}  // namespace

SpectralDistances spectral_distances(std::span<const float> reference,
                                     std::span<const float> generated,
                                     const SpectralDistanceOptions& options) {
  require_same_length(reference.size(), generated.size(), "spectral distances");
  require_sounds(reference, generated, "spectral distances");
  return distances_of(reference, generated, options.resolution, options.magnitude_floor);
}

MultiResolutionStftDistance multi_resolution_stft_distance(std::span<const float> reference,
                                                           std::span<const float> generated,
                                                           const MultiResolutionOptions& options) {
  require_same_length(reference.size(), generated.size(), "multi-resolution STFT distance");
  require_sounds(reference, generated, "multi-resolution STFT distance");
  if (options.resolutions.empty()) {
    throw Error(ErrorCode::usage,
                "multi-resolution STFT distance: expected at least one resolution, found none");
  }
  MultiResolutionStftDistance result;
  double sum = 0.0;
  for (const SpectralResolution& resolution : options.resolutions) {
    result.per_resolution.push_back(
        distances_of(reference, generated, resolution, options.magnitude_floor));
    const SpectralDistances& one = result.per_resolution.back();
    for (const Measured* part : {&one.spectral_convergence, &one.log_magnitude}) {
      if (!part->value && result.value.reason.empty()) {
        result.value = Measured::none(part->reason);
      }
      sum += part->value.value_or(0.0);
    }
  }
  if (result.value.reason.empty()) {
    result.value = sum / static_cast<double>(options.resolutions.size());
  }
  return result;
}

namespace {

void write(std::ostream& out, const SpectralResolution& r) {
  out << "fft " << r.fft_size << " hop " << r.hop_samples << " window " << r.window_samples;
}

}  // namespace

std::string parameters_of(const SpectralDistanceOptions& options) {
  std::ostringstream out;
  write(out, options.resolution);
  out << " hann, centred, reflected, magnitudes from " << options.magnitude_floor;
  return out.str();
}

std::string parameters_of(const MultiResolutionOptions& options) {
  std::ostringstream out;
  for (const SpectralResolution& resolution : options.resolutions) {
    write(out, resolution);
    out << "; ";
  }
  out << "hann, centred, reflected, magnitudes from " << options.magnitude_floor
      << "; mean of spectral convergence + log magnitude (auraloss 0.4.0)";
  return out.str();
}

}  // namespace ondes
