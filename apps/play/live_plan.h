// How a keyboard's stream is laid out for a device, and what a voice costs on this machine.
//
//   latency = the device's turn + the lead of the ring + a block
//
// so that every note, struck at any moment, has a block's time to be made. More latency than that is
// lead. A device that takes another number of frames at once than before gets another plan, in which
// the block stays: sources were made for it. Set-up thread.
#pragma once
#include <atomic>
#include <memory>

#include "engine/lanes/synth.h"
#include "engine/stream/stream.h"
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

// The plan of a device that may come to take another number of frames at once while it plays.
//
// A longer latency begins before the lead that needs it, so that no key comes late. A shorter one
// begins after its lead: when the device has taken what was rendered further ahead. Control thread.
class FollowedPlan {
 public:
  // Device turns of up to `most_device_frames` can be followed.
  FollowedPlan(int device_frames, int most_device_frames, int sample_rate_hz, double latency_ms);

  const LivePlan& plan() const noexcept { return plan_; }  // of the device as it is now
  int most_ahead_frames() const noexcept { return plan_for(most_device_frames_).ahead_frames; }
  // What sources go by; of the plan, but for a moment after a change.
  std::shared_ptr<const std::atomic<int>> latency_frames() const noexcept {
    return latency_frames_;
  }

  void change_device(int device_frames) { plan_ = plan_for(device_frames); }
  // Brings stream and latency to the plan; to be called several times a second.
  // `rendered_frames`: that wait for the device.
  void apply(Stream& stream, int rendered_frames) noexcept;

 private:
  LivePlan plan_for(int device_frames) const noexcept;

  int most_device_frames_;
  int sample_rate_hz_;
  double latency_ms_;
  LivePlan plan_;
  std::shared_ptr<std::atomic<int>> latency_frames_;
};

struct LiveTrial {
  double load = 0.0;      // of every lane at once: time to make the sound / its length
  int fitting_lanes = 0;  // at a load of LoadMeter::kComfortable, at least 1
};

// Holds a note on every lane, unheard, for a moment (0.15 s of sound, but at most half a second of
// time), and sees what that takes. Throws what apps/broken_voice.h says of a voice that breaks in it.
LiveTrial try_voice(SynthVoice voice, const SynthOptions& options, int block_samples);

}  // namespace ondes
