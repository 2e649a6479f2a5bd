// Where a recorded note begins, is let go, and ends: by its level alone.
//
// Level: RMS of 25 ms every 5 ms, in dB under the loudest such frame, floored at -60 dB and at -90
// dBFS.
// Onset: 1 ms before the first sample that comes within 40 dB of the peak.
// End:   behind the last frame above the floor.
// Release: the sharpest bend downwards. Over the 100 ms behind it the level falls by at least 9 dB
//   and at least twice as far as over the 100 ms before it, and never comes back to within 6 dB.
//   A note that only decays (a string left to ring, a drum) has none: it counts as held to its end.
// Accurate to about 15 ms for dry recordings; a room that rings longer than the note hides it.
// Any thread.
#pragma once
#include <optional>
#include <span>

namespace ondes {

struct TrimmedRecording {
  int first = 0;  // samples of the recording: [first, last)
  int last = 0;
  int release = 0;  // from `first`; last - first where none was found
  bool released = false;
};

// Nothing where the recording is silent (peak below -80 dBFS) or shorter than 50 ms after trimming.
std::optional<TrimmedRecording> trim_recording(std::span<const float> mono, int sample_rate_hz);

}  // namespace ondes
