// How a keyboard's stream is laid out for a device, and what a voice costs on this machine.
//
//   latency = the device's turn + the lead of the ring + a block
//
// so that every note, struck at any moment, has a block's time to be made. More latency than that is
// lead. A device that takes another number of frames at once than before gets another plan, in which
// the block stays: sources were made for it. Set-up thread.
#pragma once
#include "engine/lanes/synth.h"
#include "engine/stream/synth_voice.h"

namespace ondes {

struct LivePlan {
  int block_frames = 32;
  int ahead_frames = 192;
  int latency_frames = 352;  // from the stamp of a key to the frame the device takes
};

// `latency_ms`: wanted; less than what is safe becomes that. `block_frames` 0: what fits the device.
LivePlan plan_latency(int device_frames,
                      int sample_rate_hz,
                      double latency_ms,
                      int block_frames = 0);

struct LiveTrial {
  double load = 0.0;      // of every lane at once: time to make the sound / its length
  int fitting_lanes = 0;  // at a load of LoadMeter::kComfortable, at least 1
};

// Holds a note on every lane, unheard, for a moment (0.15 s of sound, but at most half a second of
// time), and sees what that takes. Throws what apps/broken_voice.h says of a voice that breaks in it.
LiveTrial try_voice(SynthVoice voice, const SynthOptions& options, int block_samples);

}  // namespace ondes
