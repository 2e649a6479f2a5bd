// Change of sample rate in step with a clock: output frame F is made of input up to its own time, so
// that a source never runs ahead of the stream, and comes a constant delay later.
//
//   t(F)   = F R_in / R_out                                  in input frames
//   out(F) = sum over k of h(t(F) - H - k) in(k)             -H <= x < H
//   h(x)   = 2 f sinc(2 f x) kaiser(x / H), each phase scaled to a sum of 1
//
// H is so many frames of the lower of the two rates as the filter says. Time is counted in integers:
// no drift.
//
//   filter       H     passes up to (of the lower rate)   down above half of it
//   short_delay  40    0.428                              90 dB
//   steep        160   0.475                              120 dB
//
// Shapes: input and output (frames, channels).
// Set-up thread: constructor. Render thread: the rest.
#pragma once
#include <cstdint>
#include <vector>

#include "engine/buffer.h"
#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

enum class RateFilter {
  short_delay,  // where somebody waits for the sound
  steep,        // where the sound is known beforehand
};

class StreamResampler {
 public:
  // What the filter of short delay adds to a latency.
  static double delay_s(int in_rate_hz, int out_rate_hz) noexcept;

  // Throws Error{usage} unless both rates lie in 1000 Hz to 1 MHz and the rest is positive.
  StreamResampler(int in_rate_hz,
                  int out_rate_hz,
                  int channels,
                  int max_out_frames,
                  RateFilter filter = RateFilter::short_delay);

  // The next output frame is `out_frame`; before it is silence.
  void start(std::int64_t out_frame) noexcept ONDES_REALTIME;
  // For a sound that is known beforehand, instead of a delay: put so many frames of silence before
  // it, and drop so many of the output; output frame n then stands at n R_in / R_out, exactly.
  struct Lead {
    int input_frames = 0;
    int output_frames = 0;
  };
  Lead start_ahead() noexcept ONDES_REALTIME;
  // How many input frames the next `out_frames` take, and at most ever take.
  int input_frames(int out_frames) const noexcept ONDES_REALTIME {
    return static_cast<int>(inputs_before(next_ + out_frames) - inputs_before(next_));
  }
  int max_input_frames() const noexcept { return max_input_frames_; }
  // Which of them, counted from the next one, an output frame from the next one on falls on; less
  // than 0 by one at most.
  std::int64_t input_of(std::int64_t out_frame) const noexcept ONDES_REALTIME {
    return out_frame * in_rate_hz_ / out_rate_hz_ - inputs_before(next_);
  }
  // in.frames() is input_frames(out.frames()).
  void process(ConstFrames in, Frames out) noexcept ONDES_REALTIME;
  // How many output frames of silent input it takes until nothing is left in the filter.
  int tail_frames() const noexcept { return tail_frames_; }

 private:
  // Input frames that lie before the time of an output frame.
  std::int64_t inputs_before(std::int64_t out_frame) const noexcept {
    return (out_frame * in_rate_hz_ + out_rate_hz_ - 1) / out_rate_hz_;
  }
  void make_rows(RateFilter filter);

  std::int64_t in_rate_hz_;
  std::int64_t out_rate_hz_;
  int taps_;    // 2 H
  int phases_;  // exact where R_out / gcd is small; else rows between which is interpolated
  int max_input_frames_;
  int tail_frames_;
  Buffer rows_;     // (phases + 1, taps)
  Buffer history_;  // (channels, taps + max_input): the last taps, then the block
  Buffer weights_;  // (1, taps): of one output frame, where rows are interpolated
  std::int64_t next_ = 0;
};

}  // namespace ondes
