#include "dsp/stft.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "dsp/spectral_kernels_internal.h"
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

namespace {

int window_samples_of(const StftConfig& config) {
  return config.window_samples == 0 ? config.fft_size : config.window_samples;
}

// The window, centred in fft_size points. Throws Error{usage} for sizes that make no sense.
std::vector<float> centred_window(const StftConfig& config) {
  const int window_samples = window_samples_of(config);
  if (config.hop_samples < 1) {
    throw Error(ErrorCode::usage, "STFT hop: expected at least 1 sample, found " +
                                      std::to_string(config.hop_samples));
  }
  if (window_samples < 1 || window_samples > config.fft_size) {
    throw Error(ErrorCode::usage, "STFT window: expected 1.." + std::to_string(config.fft_size) +
                                      " samples, found " + std::to_string(window_samples));
  }
  std::vector<float> centred(static_cast<std::size_t>(config.fft_size), 0.0F);
  const std::vector<float> window = periodic_hann(window_samples);
  std::copy(window.begin(), window.end(), centred.begin() + (config.fft_size - window_samples) / 2);
  return centred;
}

[[noreturn]] void refuse_size(const std::string& what, std::size_t expected, std::size_t found) {
  throw Error(ErrorCode::usage, what + ": expected " + std::to_string(expected) +
                                    " values, found " + std::to_string(found));
}

}  // namespace

Stft::Stft(const StftConfig& config)
    : fft_(config.fft_size), hop_samples_(config.hop_samples), window_(centred_window(config)) {}

double Stft::window_sum() const noexcept {
  return std::accumulate(window_.begin(), window_.end(), 0.0);
}

std::size_t Stft::checked_frames(std::span<const float> x, std::size_t values) const {
  const auto count = static_cast<std::size_t>(frames(std::ssize(x)));
  if (values != count * static_cast<std::size_t>(bins())) {
    refuse_size("STFT output", count * static_cast<std::size_t>(bins()), values);
  }
  return count;
}

void Stft::magnitudes(std::span<const float> x, std::span<float> out) {
  const std::size_t count = checked_frames(x, out.size());
  const auto bin_count = static_cast<std::size_t>(bins());
  for (std::size_t t = 0; t < count; ++t) {
    frame_magnitudes(x, static_cast<std::int64_t>(t) * hop_samples_,
                     out.subspan(t * bin_count, bin_count));
  }
}

void Stft::transform(std::span<const float> x, std::span<std::complex<float>> out) {
  const std::size_t count = checked_frames(x, out.size());
  const auto bin_count = static_cast<std::ptrdiff_t>(bins());
  for (std::size_t t = 0; t < count; ++t) {
    transform_frame(x, static_cast<std::int64_t>(t) * hop_samples_);
    std::copy(fft_.output().begin(), fft_.output().end(),
              out.begin() + static_cast<std::ptrdiff_t>(t) * bin_count);
  }
}

void Stft::frame_magnitudes(std::span<const float> x,
                            std::int64_t centre_sample,
                            std::span<float> out) {
  assert(std::ssize(out) == bins());
  transform_frame(x, centre_sample);
  spectral::kernels().amplitude(fft_.output().data(), 0.0F, out.data(), out.size());
}

void Stft::frame_powers(std::span<const float> x,
                        std::int64_t centre_sample,
                        std::span<float> out) {
  assert(std::ssize(out) == bins());
  transform_frame(x, centre_sample);
  spectral::kernels().power(fft_.output().data(), out.data(), out.size());
}

void Stft::transform_frame(std::span<const float> x, std::int64_t centre_sample) noexcept {
  const std::span<float> input = fft_.input();
  const std::int64_t n = std::ssize(input);
  const std::int64_t first = centre_sample - n / 2;
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, n);
  const std::int64_t end = std::clamp<std::int64_t>(std::ssize(x) - first, begin, n);
  std::fill(input.begin(), input.begin() + begin, 0.0F);
  if (begin < end) {
    spectral::kernels().multiply(x.data() + (first + begin), window_.data() + begin,
                                 input.data() + begin, static_cast<std::size_t>(end - begin));
  }
  std::fill(input.begin() + end, input.end(), 0.0F);
  fft_.transform();
}

InverseStft::InverseStft(const StftConfig& config)
    : fft_(config.fft_size),
      hop_samples_(config.hop_samples),
      window_samples_(window_samples_of(config)),
      window_(centred_window(config)) {
  // Where the sum of squares is this small, rounding errors come back a thousandfold.
  constexpr float kLeastWeight = 1e-6F;
  for (int place = 0; place < hop_samples_; ++place) {
    float weight = 0.0F;
    for (int n = place; n < config.fft_size; n += hop_samples_) {
      weight += window_[static_cast<std::size_t>(n)] * window_[static_cast<std::size_t>(n)];
    }
    if (weight < kLeastWeight) {
      throw Error(ErrorCode::usage,
                  "inverse STFT: expected windows of " + std::to_string(window_samples_) +
                      " samples that overlap, found a hop of " + std::to_string(hop_samples_));
    }
  }
}

std::int64_t InverseStft::samples(std::int64_t frames) const noexcept {
  return frames == 0 ? 0
                     : (frames - 1) * hop_samples_ + std::min(hop_samples_, window_samples_ / 2);
}

void InverseStft::transform(std::span<const std::complex<float>> frames, std::span<float> x) {
  const auto bin_count = static_cast<std::size_t>(bins());
  const std::size_t count = frames.size() / bin_count;
  if (frames.size() % bin_count != 0) {
    refuse_size("inverse STFT frames of " + std::to_string(bin_count) + " bins", count * bin_count,
                frames.size());
  }
  const std::int64_t longest = samples(static_cast<std::int64_t>(count));
  if (std::ssize(x) > longest) {
    refuse_size("inverse STFT output", static_cast<std::size_t>(longest), x.size());
  }
  std::fill(x.begin(), x.end(), 0.0F);
  const std::int64_t size = fft_.size();
  for (std::size_t t = 0; t < count; ++t) {
    std::copy_n(frames.begin() + static_cast<std::ptrdiff_t>(t * bin_count), bin_count,
                fft_.input().begin());
    fft_.transform();
    const std::int64_t first = static_cast<std::int64_t>(t) * hop_samples_ - size / 2;
    const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, size);
    const std::int64_t end = std::clamp<std::int64_t>(std::ssize(x) - first, begin, size);
    for (std::int64_t i = begin; i < end; ++i) {
      x[static_cast<std::size_t>(first + i)] +=
          window_[static_cast<std::size_t>(i)] * fft_.output()[static_cast<std::size_t>(i)];
    }
  }
  // The frames whose points hold sample n: n - t H + N/2 in [0, N).
  for (std::int64_t n = 0; n < std::ssize(x); ++n) {
    float weight = 0.0F;
    const std::int64_t first_frame = std::max<std::int64_t>(0, (n - size / 2) / hop_samples_);
    for (std::int64_t t = first_frame; t < static_cast<std::int64_t>(count); ++t) {
      const std::int64_t place = n - t * hop_samples_ + size / 2;
      if (place < 0) {
        break;
      }
      if (place < size) {
        weight +=
            window_[static_cast<std::size_t>(place)] * window_[static_cast<std::size_t>(place)];
      }
    }
    x[static_cast<std::size_t>(n)] /= weight;
  }
}

}  // namespace ondes
