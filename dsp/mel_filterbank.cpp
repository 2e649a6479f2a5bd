#include "dsp/mel_filterbank.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include "dsp/spectral_kernels_internal.h"
#include "engine/error.h"

namespace ondes {
namespace {

using Scale = MelBankConfig::Scale;

// Slaney's scale: linear up to 1 kHz, then logarithmic.
constexpr double kLinearHzPerMel = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kLinearHzPerMel;
const double kLogStep = std::log(6.4) / 27.0;

double mel_of(double hz, Scale scale) {
  switch (scale) {
    case Scale::slaney:
      return hz < kBreakHz ? hz / kLinearHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
    case Scale::htk:
      return 2595.0 * std::log10(1.0 + hz / 700.0);
    case Scale::kaldi:
      return 1127.0 * std::log(1.0 + hz / 700.0);
  }
  return 0.0;
}

double hz_of(double mel, Scale scale) {
  switch (scale) {
    case Scale::slaney:
      return mel < kBreakMel ? mel * kLinearHzPerMel
                             : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
    case Scale::htk:
      return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
    case Scale::kaldi:
      return 700.0 * (std::exp(mel / 1127.0) - 1.0);
  }
  return 0.0;
}

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::usage, "mel filterbank: " + what);
  }
}

void check(const MelBankConfig& config) {
  require(config.sample_rate_hz > 0,
          "sample rate: expected more than 0, found " + std::to_string(config.sample_rate_hz));
  require(
      config.fft_size >= 2 && config.fft_size % 2 == 0,
      "FFT size: expected an even number of at least 2, found " + std::to_string(config.fft_size));
  require(config.mels >= 1, "bands: expected at least 1, found " + std::to_string(config.mels));
  require(config.fmin_hz >= 0.0 && config.fmin_hz < config.fmax_hz &&
              config.fmax_hz <= config.sample_rate_hz / 2.0,
          "expected 0 <= fmin < fmax <= " + std::to_string(config.sample_rate_hz / 2.0) +
              " Hz, found " + std::to_string(config.fmin_hz) + " and " +
              std::to_string(config.fmax_hz));
}

// M + 2 edges, in the unit the triangles are straight in.
std::vector<double> edges_of(const MelBankConfig& config) {
  const double low = mel_of(config.fmin_hz, config.scale);
  const double high = mel_of(config.fmax_hz, config.scale);
  std::vector<double> edges(static_cast<std::size_t>(config.mels) + 2);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const double mel =
        low + (high - low) * static_cast<double>(i) / static_cast<double>(config.mels + 1);
    edges[i] = config.scale == Scale::kaldi ? mel : hz_of(mel, config.scale);
  }
  return edges;
}

}  // namespace

MelFilterbank::MelFilterbank(const MelBankConfig& config) : bins_(config.fft_size / 2 + 1) {
  check(config);
  const std::vector<double> edges = edges_of(config);
  const bool over_mel = config.scale == Scale::kaldi;
  bands_.reserve(static_cast<std::size_t>(config.mels));
  for (std::size_t m = 0; m < static_cast<std::size_t>(config.mels); ++m) {
    const double norm =
        config.norm == MelBankConfig::Norm::none
            ? 1.0
            : 2.0 / (over_mel ? hz_of(edges[m + 2], config.scale) - hz_of(edges[m], config.scale)
                              : edges[m + 2] - edges[m]);
    MelBand band;
    band.first_weight = weights_.size();
    for (int k = 0; k < bins_; ++k) {
      const double hz = static_cast<double>(k) * config.sample_rate_hz / config.fft_size;
      const double place = over_mel ? mel_of(hz, config.scale) : hz;
      const double weight = std::min((place - edges[m]) / (edges[m + 1] - edges[m]),
                                     (edges[m + 2] - place) / (edges[m + 2] - edges[m + 1]));
      if (weight > 0.0) {
        if (weights_.size() == band.first_weight) {
          band.first_bin = k;
        }
        weights_.push_back(static_cast<float>(weight * norm));
      }
    }
    const std::size_t touched = weights_.size() - band.first_weight;
    band.steps = static_cast<int>((touched + kStep - 1) / kStep);
    weights_.resize(band.first_weight + static_cast<std::size_t>(band.steps) * kStep, 0.0F);
    bands_.push_back(band);
  }
}

int MelFilterbank::empty_bands() const noexcept {
  return static_cast<int>(std::count_if(bands_.begin(), bands_.end(),
                                        [](const MelBand& band) { return band.steps == 0; }));
}

void MelFilterbank::apply(std::span<const float> spectrum, std::span<float> bands) const noexcept {
  assert(std::ssize(spectrum) >= bins_ + kStep && std::ssize(bands) == mels());
  spectral::kernels().bands(bands_.data(), bands_.size(), weights_.data(), spectrum.data(),
                            bands.data());
}

std::vector<float> MelFilterbank::dense() const {
  const auto row = static_cast<std::size_t>(bins_);
  std::vector<float> full(bands_.size() * row, 0.0F);
  for (std::size_t m = 0; m < bands_.size(); ++m) {
    const MelBand& band = bands_[m];
    const int count = std::min(band.steps * kStep, bins_ - band.first_bin);
    std::copy_n(weights_.begin() + static_cast<std::ptrdiff_t>(band.first_weight), count,
                full.begin() + static_cast<std::ptrdiff_t>(m * row) + band.first_bin);
  }
  return full;
}

}  // namespace ondes
