#include "dsp/chroma.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "dsp/feature_rows_internal.h"
#include "dsp/spectral_kernels_internal.h"
#include "engine/error.h"

namespace ondes {
namespace {

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::usage, "chroma: " + what);
  }
}

const ChromaConfig& checked(const ChromaConfig& config) {
  require(config.sample_rate_hz > 0,
          "sample rate: expected more than 0, found " + std::to_string(config.sample_rate_hz));
  require(config.classes >= 1 && config.classes <= 1200,
          "classes: expected 1..1200, found " + std::to_string(config.classes));
  require(config.octave_width >= 0.0 && std::isfinite(config.octave_width) &&
              std::isfinite(config.tuning_bins) && std::isfinite(config.centre_octave),
          "octaves and tuning: expected finite numbers, a width of at least 0");
  return config;
}

// Where each bin lies, in classes above the A four octaves below 440 Hz. Bin 0 has no place of its
// own: one and a half octaves below bin 1, so that it counts for little.
std::vector<double> places_of(const ChromaConfig& config) {
  const double reference_hz = 440.0 * std::exp2(config.tuning_bins / config.classes) / 16.0;
  std::vector<double> places(static_cast<std::size_t>(config.fft_size));
  for (std::size_t k = 1; k < places.size(); ++k) {
    const double hz = static_cast<double>(k) * config.sample_rate_hz / config.fft_size;
    places[k] = config.classes * std::log2(hz / reference_hz);
  }
  places[0] = places[1] - 1.5 * config.classes;
  return places;
}

std::vector<float> weights_of(const ChromaConfig& config) {
  const std::vector<double> places = places_of(config);
  const int classes = config.classes;
  const double half = std::nearbyint(classes / 2.0);
  const int shift = 3 * (classes / 12);  // the first class is C, three below A
  const std::size_t bins = places.size() / 2 + 1;
  const auto stride = static_cast<std::size_t>(spectral::padded_to_step(classes));
  std::vector<float> weights(bins * stride, 0.0F);
  std::vector<double> column(static_cast<std::size_t>(classes));
  for (std::size_t k = 0; k < bins; ++k) {
    const double width = k + 1 < places.size() ? std::max(places[k + 1] - places[k], 1.0) : 1.0;
    double squares = 0.0;
    for (int c = 0; c < classes; ++c) {
      const double turned = places[k] - c + half + 10.0 * classes;
      const double distance = turned - classes * std::floor(turned / classes) - half;
      const double weight = std::exp(-0.5 * (2.0 * distance / width) * (2.0 * distance / width));
      squares += weight * weight;
      // C first
      column[static_cast<std::size_t>(((c - shift) % classes + classes) % classes)] = weight;
    }
    double scale = 1.0 / std::sqrt(squares);
    if (config.octave_width > 0.0) {
      const double octaves = (places[k] / classes - config.centre_octave) / config.octave_width;
      scale *= std::exp(-0.5 * octaves * octaves);
    }
    for (std::size_t c = 0; c < column.size(); ++c) {
      weights[k * stride + c] = static_cast<float>(column[c] * scale);
    }
  }
  return weights;
}

}  // namespace

Chroma::Chroma(const ChromaConfig& config)
    : config_(checked(config)),
      stft_({.fft_size = config.fft_size, .hop_samples = config.hop_samples}),
      weights_(weights_of(config)),
      powers_(static_cast<std::size_t>(stft_.bins())),
      sums_(static_cast<std::size_t>(spectral::padded_to_step(config.classes))) {}

void Chroma::analyze(std::span<const float> x, Frames out) {
  require_rows("chroma", out, frames(std::ssize(x)), classes());
  for (int t = 0; t < out.frames(); ++t) {
    stft_.frame_powers(x, std::int64_t{t} * config_.hop_samples, powers_);
    spectral::kernels().add_rows(powers_.data(), powers_.size(), weights_.data(), sums_.size(),
                                 sums_.data());
    const std::span<float> chroma = out[t];
    std::copy_n(sums_.begin(), chroma.size(), chroma.begin());
    const float greatest = *std::max_element(chroma.begin(), chroma.end());
    if (greatest >= std::numeric_limits<float>::min()) {
      for (float& value : chroma) {
        value /= greatest;
      }
    }
  }
}

std::vector<float> Chroma::analyze(std::span<const float> x) {
  return written_rows("chroma", frames(std::ssize(x)), classes(),
                      [&](Frames rows) { analyze(x, rows); });
}

}  // namespace ondes
