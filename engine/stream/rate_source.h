// A source at another sample rate (stream_resampler.h, the steep filter). It begins with the first
// sample (the filter's delay is taken out) and ends with the last:
//
//   frames out = ceil(frames in * R_out / R_in), exactly, and frame n stands at n R_in / R_out
//
// Any cutting into blocks gives the same output. The inner source is ahead by half the filter.
// All memory is taken by the constructor, so that a new source costs the render thread nothing.
//
// Threads as StreamSource says.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "engine/buffer.h"
#include "engine/stream/stream_resampler.h"
#include "engine/stream/stream_source.h"

namespace ondes {

class RateSource : public StreamSource {
 public:
  // Throws as StreamResampler does.
  RateSource(std::unique_ptr<StreamSource> inner, int sample_rate_hz);

  int sample_rate_hz() const noexcept override { return rate_hz_; }
  int channels() const noexcept override { return inner_->channels(); }
  int render(Frames out, std::int64_t stream_frame) noexcept override ONDES_REALTIME;
  void retire() noexcept override ONDES_REALTIME { inner_->retire(); }
  void limit_lanes(int lanes) noexcept override ONDES_REALTIME { inner_->limit_lanes(lanes); }
  SourceState state() const noexcept override ONDES_REALTIME { return inner_->state(); }
  std::string voice_name() const override { return inner_->voice_name(); }
  std::string failure() const override { return inner_->failure(); }

 private:
  void make(Frames out, std::int64_t stream_frame) noexcept;

  std::unique_ptr<StreamSource> inner_;
  int rate_hz_;
  StreamResampler resampler_;
  StreamResampler::Lead lead_;  // that is left
  Buffer in_;
  Buffer dropped_;
  std::int64_t taken_frames_ = 0;  // of the inner source
  std::int64_t given_frames_ = 0;
  std::int64_t total_frames_ = -1;  // to be given; known once the inner source has ended
};

}  // namespace ondes
