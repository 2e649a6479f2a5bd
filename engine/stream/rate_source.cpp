#include "engine/stream/rate_source.h"

#include <algorithm>
#include <utility>

namespace ondes {
namespace {

constexpr int kChunkFrames = 128;  // of the output that are made at once

}  // namespace

RateSource::RateSource(std::unique_ptr<StreamSource> inner, int sample_rate_hz)
    : inner_(std::move(inner)),
      rate_hz_(sample_rate_hz),
      resampler_(inner_->sample_rate_hz(),
                 sample_rate_hz,
                 inner_->channels(),
                 kChunkFrames,
                 RateFilter::steep),
      lead_(resampler_.start_ahead()),
      in_(resampler_.max_input_frames(), inner_->channels()),
      dropped_(kChunkFrames, inner_->channels()) {}

int RateSource::render(Frames out, std::int64_t stream_frame) noexcept {
  while (lead_.output_frames > 0) {
    const int count = std::min(lead_.output_frames, kChunkFrames);
    make(dropped_.view().subview(0, count), stream_frame);
    lead_.output_frames -= count;
  }
  int done = 0;
  while (done < out.frames() && given_frames_ != total_frames_) {
    int count = std::min(out.frames() - done, kChunkFrames);
    make(out.subview(done, count), stream_frame);
    if (total_frames_ >= 0) {
      count = static_cast<int>(std::min<std::int64_t>(count, total_frames_ - given_frames_));
    }
    done += count;
    given_frames_ += count;
  }
  return done;
}

// Silence, then the inner source, then silence.
void RateSource::make(Frames out, std::int64_t stream_frame) noexcept {
  const Frames in = in_.view().subview(0, resampler_.input_frames(out.frames()));
  int filled = std::min(lead_.input_frames, in.frames());
  lead_.input_frames -= filled;
  for (int t = 0; t < filled; ++t) {
    std::fill(in[t].begin(), in[t].end(), 0.0F);
  }
  while (filled < in.frames() && total_frames_ < 0) {
    const int wanted = std::min(in.frames() - filled, kMaxStreamBlock);
    const int made = inner_->render(in.subview(filled, wanted), stream_frame);
    filled += made;
    taken_frames_ += made;
    if (made < wanted) {
      const std::int64_t in_rate_hz = inner_->sample_rate_hz();
      total_frames_ = (taken_frames_ * rate_hz_ + in_rate_hz - 1) / in_rate_hz;
    }
  }
  for (int t = filled; t < in.frames(); ++t) {
    std::fill(in[t].begin(), in[t].end(), 0.0F);
  }
  resampler_.process(in, out);
}

}  // namespace ondes
