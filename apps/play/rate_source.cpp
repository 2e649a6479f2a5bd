#include "apps/play/rate_source.h"

#include <algorithm>

namespace ondes {
namespace {

constexpr int kInnerFrames = 128;  // small, so that a block's cost is spread

}  // namespace

RateSource::RateSource(std::unique_ptr<StreamSource> inner, int sample_rate_hz)
    : inner_(std::move(inner)),
      rate_hz_(sample_rate_hz),
      resampler_(inner_->sample_rate_hz(), sample_rate_hz, inner_->channels()),
      block_(kInnerFrames, inner_->channels()) {
  // A stream's block, what one inner block becomes, and the end of the filter.
  const double ratio = static_cast<double>(sample_rate_hz) / inner_->sample_rate_hz();
  ready_.reserve(static_cast<std::size_t>(inner_->channels()) *
                 (2 * kMaxStreamBlock + static_cast<std::size_t>(ratio * 8192.0)));
}

int RateSource::render(Frames out, std::int64_t stream_frame) noexcept {
  const auto channels = static_cast<std::size_t>(inner_->channels());
  const std::size_t wanted = static_cast<std::size_t>(out.frames()) * channels;
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  while (ready_.size() < wanted && !ended_) {
    const int made = inner_->render(block_.view(), stream_frame);
    resampler_.process(block_.view().subview(0, made), ready_);
    if (made < kInnerFrames) {
      ended_ = true;
      resampler_.finish(ready_);
    }
  }
  taken_ = std::min(wanted, ready_.size());
  const int frames = static_cast<int>(taken_ / channels);
  for (int t = 0; t < frames; ++t) {
    std::copy_n(ready_.data() + static_cast<std::size_t>(t) * channels, channels, out[t].data());
  }
  return frames;
}

}  // namespace ondes
