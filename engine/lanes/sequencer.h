// A performance as events with sample times, handed out block by block.
//
// A time is rounded to the nearest sample; a note lasts at least one. At the same sample, releases
// come before controllers and controllers before onsets: a repeated key is let go before it is
// struck, a pedal pressed on the beat does not catch the chord that ends there, and a program
// change counts for the note beside it. A pedal still down at the score's end is lifted there.
//
// The length is the score's duration, to the nearest sample: samples 0 to length - 1 are the score.
// What happens at its very end (the last release, most often) has the sample `length` and is heard
// only in what follows; so is a note without length that stands there.
//
// Memory: one event each note end and controller, made at set-up; nothing grows while it plays.
// Set-up thread: constructor. Render thread: everything else.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/lanes/synth_event.h"
#include "engine/realtime.h"

namespace ondes {

class Sequencer {
 public:
  // Throws Error{bad_input} if the performance lasts longer than a day.
  Sequencer(const Performance& performance, int sample_rate_hz);

  // The events in [position, position + samples), and moves on. Valid until the sequencer dies.
  std::span<const SynthEvent> next(int samples) noexcept ONDES_REALTIME;

  std::int64_t position_samples() const noexcept { return position_; }
  std::int64_t length_samples() const noexcept { return length_; }
  bool finished() const noexcept { return next_ == events_.size(); }

 private:
  void lift_pedals(const Performance& performance);

  std::vector<SynthEvent> events_;
  std::size_t next_ = 0;
  std::int64_t position_ = 0;
  std::int64_t length_ = 0;
};

}  // namespace ondes
