#include "dsp/stft.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "engine/error.h"

namespace ondes {

std::vector<float> periodic_hann(int size) {
  std::vector<float> window(static_cast<std::size_t>(size));
  for (int n = 0; n < size; ++n) {
    window[static_cast<std::size_t>(n)] =
        static_cast<float>(0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * n / size));
  }
  return window;
}

Stft::Stft(const StftConfig& config)
    : fft_(config.fft_size),
      hop_samples_(config.hop_samples),
      window_(static_cast<std::size_t>(config.fft_size), 0.0F) {
  const int window_samples = config.window_samples == 0 ? config.fft_size : config.window_samples;
  if (hop_samples_ < 1) {
    throw Error(ErrorCode::usage,
                "STFT hop: expected at least 1 sample, found " + std::to_string(hop_samples_));
  }
  if (window_samples < 1 || window_samples > config.fft_size) {
    throw Error(ErrorCode::usage, "STFT window: expected 1.." + std::to_string(config.fft_size) +
                                      " samples, found " + std::to_string(window_samples));
  }
  const std::vector<float> window = periodic_hann(window_samples);
  std::copy(window.begin(), window.end(), window_.begin() + (config.fft_size - window_samples) / 2);
}

double Stft::window_sum() const noexcept {
  return std::accumulate(window_.begin(), window_.end(), 0.0);
}

void Stft::magnitudes(std::span<const float> x, std::span<float> out) {
  const auto frame_count = static_cast<std::size_t>(frames(std::ssize(x)));
  const auto bin_count = static_cast<std::size_t>(bins());
  if (out.size() != frame_count * bin_count) {
    throw Error(ErrorCode::usage, "STFT output: expected " +
                                      std::to_string(frame_count * bin_count) + " values, found " +
                                      std::to_string(out.size()));
  }
  for (std::size_t t = 0; t < frame_count; ++t) {
    frame_magnitudes(x, static_cast<std::int64_t>(t) * hop_samples_,
                     out.subspan(t * bin_count, bin_count));
  }
}

void Stft::frame_magnitudes(std::span<const float> x,
                            std::int64_t centre_sample,
                            std::span<float> out) {
  assert(std::ssize(out) == bins());
  const std::span<float> input = fft_.input();
  const std::int64_t n = std::ssize(input);
  const std::int64_t first = centre_sample - n / 2;
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, n);
  const std::int64_t end = std::clamp<std::int64_t>(std::ssize(x) - first, begin, n);
  std::fill(input.begin(), input.begin() + begin, 0.0F);
  for (std::int64_t i = begin; i < end; ++i) {
    input[static_cast<std::size_t>(i)] =
        x[static_cast<std::size_t>(first + i)] * window_[static_cast<std::size_t>(i)];
  }
  std::fill(input.begin() + end, input.end(), 0.0F);
  fft_.transform();
  std::transform(fft_.output().begin(), fft_.output().end(), out.begin(),
                 [](std::complex<float> value) {
                   return std::sqrt(value.real() * value.real() + value.imag() * value.imag());
                 });
}

}  // namespace ondes
