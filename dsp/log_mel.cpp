#include "dsp/log_mel.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>

#include "dsp/feature_rows_internal.h"
#include "dsp/spectral_kernels_internal.h"
#include "dsp/stft.h"
#include "engine/error.h"

namespace ondes {
namespace {

using Padding = MelConfig::Padding;

std::vector<float> window_of(const MelConfig& config) {
  const int size = config.window_samples;
  if (config.window == MelConfig::Window::hann) {
    return periodic_hann(size);
  }
  std::vector<float> window(static_cast<std::size_t>(size));
  const bool is_povey = config.window == MelConfig::Window::povey;
  const bool is_symmetric = is_povey || config.window == MelConfig::Window::symmetric_hamming;
  const double turn = 2.0 * std::numbers::pi / (is_symmetric ? size - 1 : size);
  for (int n = 0; n < size; ++n) {
    const double wave = std::cos(turn * n);
    window[static_cast<std::size_t>(n)] =
        static_cast<float>(is_povey ? std::pow(0.5 - 0.5 * wave, 0.85) : 0.54 - 0.46 * wave);
  }
  return window;
}

int pad_of(const MelConfig& config) {
  switch (config.padding) {
    case Padding::none:
      return 0;
    case Padding::centre_zero:
    case Padding::centre_reflect:
      return config.bank.fft_size / 2;
    case Padding::reflect_hop:
      return (config.bank.fft_size - config.hop_samples) / 2;
  }
  return 0;
}

bool mirrors(const MelConfig& config) {
  return config.padding == Padding::centre_reflect || config.padding == Padding::reflect_hop;
}

// The sample that stands at `index` when [0, samples) is mirrored at both ends, again and again.
std::int64_t mirrored(std::int64_t index, std::int64_t samples) {
  if (samples == 1) {
    return 0;
  }
  const std::int64_t period = 2 * (samples - 1);
  index = ((index % period) + period) % period;
  return index < samples ? index : period - index;
}

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::usage, "log-mel: " + what);
  }
}

// Returns its argument, so that it can check before the FFT is planned.
const MelConfig& checked(const MelConfig& config) {
  require(config.hop_samples >= 1,
          "hop: expected at least 1 sample, found " + std::to_string(config.hop_samples));
  require(config.window_samples >= 2 && config.window_samples <= config.bank.fft_size,
          "window: expected 2.." + std::to_string(config.bank.fft_size) + " samples, found " +
              std::to_string(config.window_samples));
  require(config.padding != Padding::reflect_hop || config.hop_samples <= config.bank.fft_size,
          "hop: expected at most the FFT's size with this padding, found " +
              std::to_string(config.hop_samples));
  require(config.floor > 0.0 && std::isfinite(config.floor),
          "floor: expected more than 0, found " + std::to_string(config.floor));
  require(config.magnitude_epsilon >= 0.0 && config.top_db >= 0.0,
          "magnitude epsilon and top_db: expected at least 0");
  return config;
}

float log_scale_of(MelConfig::Log log) {
  switch (log) {
    case MelConfig::Log::natural:
      return 1.0F;
    case MelConfig::Log::decimal:
      return static_cast<float>(1.0 / std::numbers::ln10);
    case MelConfig::Log::decibel:
      return static_cast<float>(10.0 / std::numbers::ln10);
  }
  return 1.0F;
}

}  // namespace

void limit_range(Frames values, double range) noexcept {
  float greatest = std::numeric_limits<float>::lowest();
  for (int t = 0; t < values.frames(); ++t) {
    greatest = std::max(greatest, *std::max_element(values[t].begin(), values[t].end()));
  }
  const auto least = static_cast<float>(static_cast<double>(greatest) - range);
  for (int t = 0; t < values.frames(); ++t) {
    for (float& value : values[t]) {
      value = std::max(value, least);
    }
  }
}

LogMel::LogMel(const MelConfig& config)
    : config_(checked(config)),
      bank_(config.bank),
      fft_(config.bank.fft_size),
      window_(window_of(config)),
      frame_(window_.size(), 0.0F),
      spectrum_(static_cast<std::size_t>(fft_.bins() + MelFilterbank::kStep), 0.0F),
      pad_samples_(pad_of(config)),
      window_offset_(
          config.padding == Padding::none ? 0 : (config.bank.fft_size - config.window_samples) / 2),
      log_scale_(log_scale_of(config.log)) {
  std::fill(fft_.input().begin(), fft_.input().end(), 0.0F);  // what the window leaves free stays 0
}

std::int64_t LogMel::frames(std::int64_t samples) const noexcept {
  const std::int64_t extent =
      config_.padding == Padding::none ? config_.window_samples : config_.bank.fft_size;
  const std::int64_t padded = samples + 2 * std::int64_t{pad_samples_};
  if (padded < extent || (samples == 0 && mirrors(config_))) {
    return 0;
  }
  return 1 + (padded - extent) / config_.hop_samples;
}

void LogMel::analyze(std::span<const float> x, Frames out) {
  require_rows("log-mel", out, frames(std::ssize(x)), mels());
  const Signal signal{x.data(), 0, std::ssize(x)};
  for (int t = 0; t < out.frames(); ++t) {
    make_frame(signal, t, out[t]);
  }
  if (config_.top_db > 0.0 && out.frames() > 0) {
    limit_range(out, config_.top_db);
  }
}

std::vector<float> LogMel::analyze(std::span<const float> x) {
  return written_rows("log-mel", frames(std::ssize(x)), mels(),
                      [&](Frames rows) { analyze(x, rows); });
}

std::int64_t LogMel::window_start(std::int64_t frame) const noexcept {
  return frame * config_.hop_samples - pad_samples_ + window_offset_;
}

void LogMel::gather(const Signal& signal,
                    std::int64_t start,
                    std::span<float> window) const noexcept {
  const bool mirror = mirrors(config_);
  for (std::size_t n = 0; n < window.size(); ++n) {
    const std::int64_t index = start + static_cast<std::int64_t>(n);
    if (index >= 0 && index < signal.known) {
      window[n] = signal.x[index - signal.first];
    } else {
      window[n] = mirror ? signal.x[mirrored(index, signal.known) - signal.first] : 0.0F;
    }
  }
}

// Scale, mean and pre-emphasis, in Kaldi's order; the order of the sums is the samples'.
void LogMel::condition(std::span<float> window) const noexcept {
  const auto scale = static_cast<float>(config_.sample_scale);
  for (float& value : window) {
    value *= scale;
  }
  if (config_.removes_dc) {
    // Sums side by side, so that an addition need not wait for the one before.
    std::array<double, 8> sums{};
    std::size_t n = 0;
    for (; n + sums.size() <= window.size(); n += sums.size()) {
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += static_cast<double>(window[n + i]);
      }
    }
    double sum = 0.0;
    for (; n < window.size(); ++n) {
      sum += static_cast<double>(window[n]);
    }
    sum = std::accumulate(sums.begin(), sums.end(), sum);
    const auto mean = static_cast<float>(sum / static_cast<double>(window.size()));
    for (float& value : window) {
      value -= mean;
    }
  }
  if (config_.pre_emphasis != 0.0) {
    const auto a = static_cast<float>(config_.pre_emphasis);
    for (std::size_t n = window.size(); n-- > 1;) {
      window[n] -= a * window[n - 1];
    }
    window[0] -= a * window[0];
  }
}

void LogMel::make_frame(const Signal& signal, std::int64_t frame, std::span<float> out) noexcept {
  const std::int64_t start = window_start(frame);
  const bool inside = start >= 0 && start + config_.window_samples <= signal.known;
  // Elsewhere there is no such place, not even as a pointer.
  const float* samples = inside ? signal.x + (start - signal.first) : nullptr;
  const bool conditions =
      config_.sample_scale != 1.0 || config_.removes_dc || config_.pre_emphasis != 0.0;
  if (!inside || conditions) {
    if (inside) {
      std::copy_n(samples, frame_.size(), frame_.begin());
    } else {
      gather(signal, start, frame_);
    }
    if (conditions) {
      condition(frame_);
    }
    samples = frame_.data();
  }
  const spectral::Kernels& kernels = spectral::kernels();
  kernels.multiply(samples, window_.data(), fft_.input().data() + window_offset_, window_.size());
  fft_.transform();
  const std::span<const std::complex<float>> bins = fft_.output();
  if (config_.magnitude == MelConfig::Magnitude::amplitude) {
    kernels.amplitude(bins.data(), static_cast<float>(config_.magnitude_epsilon), spectrum_.data(),
                      bins.size());
  } else {
    kernels.power(bins.data(), spectrum_.data(), bins.size());
  }
  bank_.apply(spectrum_, out);
  // Below the least normal float the logarithm would lose its digits.
  const float floor =
      std::max(static_cast<float>(config_.floor), std::numeric_limits<float>::min());
  kernels.limited_logarithm(out.data(), floor, log_scale_, out.size());
}

void LogMel::prepare(int max_block_samples) {
  require(max_block_samples >= 1,
          "block: expected at least 1 sample, found " + std::to_string(max_block_samples));
  require(config_.top_db == 0.0,
          "top_db: expected 0 in a stream (it depends on the whole signal), found " +
              std::to_string(config_.top_db));
  max_block_samples_ = max_block_samples;
  // What forget() keeps at most, and a block.
  const int kept = std::max(config_.bank.fft_size, 2 * (pad_samples_ + 1));
  history_.assign(static_cast<std::size_t>(kept + max_block_samples), 0.0F);
  // The first block may complete the frames that waited for the mirror's samples, the last one
  // leaves those that reach past the end.
  max_frames_ = (kept + max_block_samples + pad_samples_) / config_.hop_samples + 2;
  reset();
}

void LogMel::reset() noexcept {
  first_ = 0;
  received_ = 0;
  next_frame_ = 0;
}

bool LogMel::is_complete(std::int64_t frame) const noexcept {
  const std::int64_t start = window_start(frame);
  const bool mirror_known = start >= 0 || !mirrors(config_) || -start < received_;
  return mirror_known && start + config_.window_samples <= received_;
}

// Drops the samples that no later frame and no mirror at the end will ask for.
void LogMel::forget() noexcept {
  const std::int64_t for_mirror = received_ - 1 - pad_samples_;
  const std::int64_t for_frame = window_start(next_frame_);
  // Until the first windows are complete nothing may go: they may be mirrored.
  const std::int64_t keep =
      for_frame < 0 ? 0
                    : std::clamp<std::int64_t>(std::min(for_mirror, for_frame), first_, received_);
  if (keep > first_) {
    std::memmove(history_.data(), history_.data() + (keep - first_),
                 static_cast<std::size_t>(received_ - keep) * sizeof(float));
    first_ = keep;
  }
}

int LogMel::process(std::span<const float> block, Frames out) noexcept {
  assert(std::ssize(block) <= max_block_samples_);
  std::copy(block.begin(), block.end(), history_.begin() + (received_ - first_));
  received_ += std::ssize(block);
  int made = 0;
  while (is_complete(next_frame_)) {
    make_frame({history_.data(), first_, received_}, next_frame_, out[made]);
    ++next_frame_;
    ++made;
  }
  forget();
  return made;
}

int LogMel::finish(Frames out) noexcept {
  int made = 0;
  for (const std::int64_t count = frames(received_); next_frame_ < count; ++next_frame_) {
    make_frame({history_.data(), first_, received_}, next_frame_, out[made]);
    ++made;
  }
  reset();
  return made;
}

}  // namespace ondes
