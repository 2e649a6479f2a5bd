#include "dsp/loudness.h"

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "engine/error.h"

namespace ondes {

struct LoudnessMeter::Impl {
  ebur128_state* state = nullptr;
  int channels = 0;
  std::int64_t sample_rate_hz = 0;
  std::int64_t frames = 0;
  std::vector<float> packed;

  ~Impl() {
    if (state != nullptr) {
      ebur128_destroy(&state);
    }
  }
};

LoudnessMeter::LoudnessMeter(int sample_rate_hz, int channels) : impl_(std::make_unique<Impl>()) {
  impl_->channels = channels;
  impl_->sample_rate_hz = sample_rate_hz;
  if (sample_rate_hz > 0 && channels > 0) {
    impl_->state =
        ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(sample_rate_hz),
                     EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK);
  }
  if (impl_->state == nullptr) {
    throw Error(ErrorCode::usage, "loudness: cannot measure " + std::to_string(channels) +
                                      " channels at " + std::to_string(sample_rate_hz) + " Hz");
  }
}

LoudnessMeter::~LoudnessMeter() = default;
LoudnessMeter::LoudnessMeter(LoudnessMeter&&) noexcept = default;
LoudnessMeter& LoudnessMeter::operator=(LoudnessMeter&&) noexcept = default;

void LoudnessMeter::add(ConstFrames block) {
  if (block.channels() != impl_->channels) {
    throw Error(ErrorCode::usage, "loudness: expected blocks of " +
                                      std::to_string(impl_->channels) + " channels, found " +
                                      std::to_string(block.channels()));
  }
  const float* samples = block.data();
  if (block.stride() != block.channels()) {
    impl_->packed.clear();
    for (int t = 0; t < block.frames(); ++t) {
      const auto frame = block[t];
      impl_->packed.insert(impl_->packed.end(), frame.begin(), frame.end());
    }
    samples = impl_->packed.data();
  }
  if (ebur128_add_frames_float(impl_->state, samples, static_cast<std::size_t>(block.frames())) !=
      EBUR128_SUCCESS) {
    throw std::bad_alloc();  // the only failure it has here
  }
  impl_->frames += block.frames();
}

double LoudnessMeter::integrated_lufs() const {
  double lufs = 0.0;
  if (ebur128_loudness_global(impl_->state, &lufs) != EBUR128_SUCCESS) {
    return -std::numeric_limits<double>::infinity();
  }
  return lufs;
}

std::optional<double> LoudnessMeter::range_lu() const {
  // libebur128 says 0 where there is no block, which is also a steady tone's range.
  double range = 0.0;
  if (impl_->frames < 3 * impl_->sample_rate_hz || !std::isfinite(integrated_lufs()) ||
      ebur128_loudness_range(impl_->state, &range) != EBUR128_SUCCESS) {
    return std::nullopt;
  }
  return range;
}

double LoudnessMeter::true_peak() const {
  double peak = 0.0;
  for (int c = 0; c < impl_->channels; ++c) {
    double channel_peak = 0.0;
    ebur128_true_peak(impl_->state, static_cast<unsigned>(c), &channel_peak);
    peak = std::max(peak, channel_peak);
  }
  return peak;
}

}  // namespace ondes
