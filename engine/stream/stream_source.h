// What a stream plays: samples in order, made on the render thread.
//
// A source lives on the set-up thread until it is handed to the stream, is then used by the render
// thread alone, and dies on the set-up thread. It may be asked for less than it is good for at once
// (a stream's block), never for more than kMaxStreamBlock frames.
#pragma once
#include <cstdint>
#include <string>

#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

inline constexpr int kMaxStreamBlock = 4096;  // frames

struct SourceState {
  double position_s = 0.0;  // in the source's own time (a score's, a clip's)
  double speed = 1.0;       // seconds of that time in a second of sound
  int lanes_now = 0;
  int lanes_limit = 0;  // 0: the source has no lanes
  int lanes_most = 0;   // what the limit is where nothing was lowered
  std::int64_t notes = 0;
  std::int64_t stolen_notes = 0;
};

class StreamSource {
 public:
  virtual ~StreamSource() = default;

  virtual int sample_rate_hz() const noexcept = 0;
  virtual int channels() const noexcept = 0;

  // The next out.frames() frames; returns how many there were: fewer only at the end.
  // `stream_frame` is where out[0] stands in the stream.
  virtual int render(Frames out, std::int64_t stream_frame) noexcept ONDES_REALTIME = 0;
  // Begins nothing new: what sounds rings out, then render() gives fewer frames.
  virtual void retire() noexcept ONDES_REALTIME = 0;
  // Gets by with at most `lanes` from now on, because the load is too high; or may have so many
  // again. Sources without lanes ignore it.
  virtual void limit_lanes(int lanes) noexcept ONDES_REALTIME = 0;
  virtual SourceState state() const noexcept ONDES_REALTIME = 0;

  // For the set-up thread, while the render thread does not use it: the voice's name, and what its
  // runner says of the machine's failure (LaneRunner::failure()).
  virtual std::string voice_name() const { return {}; }
  virtual std::string failure() const { return {}; }
};

}  // namespace ondes
