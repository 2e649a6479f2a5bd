// A source at another sample rate, by soxr. It begins with the first sample (the filter's delay is
// taken out) and ends with the last; until soxr has seen enough it makes blocks of the inner source
// ahead.
//
// Threads as StreamSource says.
#pragma once
#include <memory>
#include <vector>

#include "dsp/resample.h"
#include "engine/buffer.h"
#include "engine/stream/stream_source.h"

namespace ondes {

class RateSource : public StreamSource {
 public:
  RateSource(std::unique_ptr<StreamSource> inner, int sample_rate_hz);

  int sample_rate_hz() const noexcept override { return rate_hz_; }
  int channels() const noexcept override { return inner_->channels(); }
  int render(Frames out, std::int64_t stream_frame) noexcept override ONDES_REALTIME;
  void retire() noexcept override ONDES_REALTIME { inner_->retire(); }
  void limit_lanes(int lanes) noexcept override ONDES_REALTIME { inner_->limit_lanes(lanes); }
  SourceState state() const noexcept override ONDES_REALTIME { return inner_->state(); }

 private:
  std::unique_ptr<StreamSource> inner_;
  int rate_hz_;
  Resampler resampler_;
  Buffer block_;
  std::vector<float> ready_;  // interleaved; what is before taken_ has been given
  std::size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace ondes
