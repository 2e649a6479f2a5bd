// A stream: a render thread fills a ring, a device's thread empties it, another thread controls.
//
//   source --render thread--> ring --pull(), device's thread--> device
//
// The device's thread only copies. Where the sound must break off (an underrun, a pause, a flush)
// it does so without a jump (seam.h); an undisturbed stream is the source's samples, bit for bit.
//
// Underruns: when the ring has less than the device asks for, what is there is played, silence
// follows, and one underrun is counted; playing resumes, where it stopped, when the ring is full
// again. No frame is lost or repeated, channels cannot swap. Where the last source ends there is
// nothing to resume: its last sample is followed by silence, and what is played later is not faded.
//
// Samples that are no finite numbers (a network that diverges, a device that has failed) are never
// heard: silence with the same seam stands in for them (sound_guard.h), telemetry counts it, and
// broken_voice() says whose they were.
//
// Adaptive safety: when the render thread has been busy for more than 90 % of the time for a
// quarter of a second, the source must give up lanes; when it has been busy for less than 70 % for
// some seconds, it may have some of them back (load_meter.h); telemetry says so.
//
// Control thread (one at a time): everything without another mark. Device thread (one at a time):
// pull().
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "engine/buffer.h"
#include "engine/realtime.h"
#include "engine/stream/frame_ring.h"
#include "engine/stream/load_meter.h"
#include "engine/stream/published.h"
#include "engine/stream/render_priority.h"
#include "engine/stream/seam.h"
#include "engine/stream/sound_guard.h"
#include "engine/stream/source_mixer.h"
#include "engine/stream/stream_clock.h"
#include "engine/stream/stream_source.h"
#include "engine/views.h"

namespace ondes {

struct StreamOptions {
  int sample_rate_hz = 48000;
  int channels = 2;
  int block_frames = 256;     // what the render thread makes at once, at most kMaxStreamBlock
  int ahead_frames = 2048;    // how far it runs ahead of the device; at least a block
  int most_ahead_frames = 0;  // that set_ahead() may make of it: room in the ring; less: as much
  bool ends = true;           // false: silence without a source is no end, and no underrun
  bool adapts_lanes = true;
  bool wants_priority = false;  // real-time scheduling of the render thread, where it is allowed
};

struct StreamTelemetry {
  std::int64_t device_frames = 0;  // that the device has asked for
  std::int64_t played_frames = 0;  // of the sources
  std::int64_t underruns = 0;
  std::int64_t missing_frames = 0;   // silence because of underruns
  std::int64_t silenced_frames = 0;  // rendered as silence: what the source made were no numbers
  bool broken = false;               // playing has reached the first of those, or skipped it
  int ahead_frames = 0;              // rendered and not yet played
  double load = 0.0;                 // time to render / time rendered, smoothed over 0.1 s
  double worst_load = 0.0;           // of a block, since the last telemetry
  std::array<float, kMaxStreamChannels> peak{};  // since the last telemetry
  SourceState source;                            // of the source that is rendered now
  std::int64_t source_number = 0;                // which one that is, as play() said; 0: none yet
  SourceBegin begun;                             // the newest source that is rendered
  std::int64_t heard_number = 0;                 // of the newest one that is heard, as play() said
  double position_s = 0.0;                       // of what is heard now, in that source's time
  int lane_limit = 0;                            // 0: not lowered
  RenderScheduling scheduling = RenderScheduling::as_everything;
  bool paused = false;
  bool finished = false;  // the last frame has been played
};

// Whose samples were no finite numbers, and where the first of them stands.
struct BrokenVoice {
  std::string name;
  double position_s = 0.0;  // in the source's time
  double stream_s = 0.0;    // in the stream's
  std::string failure;      // of the machine it runs on; empty where that does not know of one
};

class Stream {
 public:
  // Throws Error{usage} for sizes that make no sense.
  explicit Stream(const StreamOptions& options);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  const StreamOptions& options() const noexcept { return options_; }

  // Throws Error{usage} if the source's rate or channels are not the stream's, and if too many
  // switches wait already.
  // Returns the source's number, counted from 1.
  std::int64_t play(std::unique_ptr<StreamSource> source, const StreamSwitch& how = {});
  // Whether so many sources wait that the next one had better come later.
  bool crowded() { return mixer_.crowded(); }
  void retire() { mixer_.post_retire(); }  // the current source rings out
  void cancel() { mixer_.post_cancel(); }  // sources that wait for their time
  // How far rendering runs ahead from now on, within a block and the most of the options; for a
  // device that takes more at once than it did. What is rendered already stays.
  void set_ahead(int frames) noexcept;
  int ahead_frames() const noexcept { return ahead_frames_.load(std::memory_order_relaxed); }
  void pause(bool paused) noexcept { paused_.store(paused, std::memory_order_release); }
  // What the device gets goes there too, from the first frame on; frames it has no room for are
  // counted in tap_lost_frames(). Before start().
  void set_tap(FrameRing* tap) noexcept { tap_ = tap; }
  std::int64_t tap_lost_frames() const noexcept { return tap_lost_frames_.load(); }

  // Starts the render thread and returns when the ring is full or the source has ended; earlier if
  // `goes_on`, asked every millisecond, says no.
  void start(const std::function<bool()>& goes_on = {});
  // Ends the render thread. What is in the ring may still be pulled.
  void stop() noexcept;
  // Nothing while every sample that was rendered is a finite number. After stop().
  std::optional<BrokenVoice> broken_voice() const;
  // Also frees the sources that are done with.
  StreamTelemetry telemetry();
  // Whether everything that was handed over has been played, to its last frame.
  bool finished() const noexcept;
  std::int64_t device_frames() const noexcept { return device_frames_.load(); }
  // The next frame to be rendered: where a source that is posted now begins, at the earliest.
  std::int64_t rendered_frames() const noexcept { return ring_.written(); }

  // Whether pull() would now find that many frames, or the end, and the tap has room for them.
  // Device thread.
  bool can_pull(int frames) const noexcept ONDES_REALTIME;
  // Fills `out`, always. `now_ns`: steady_clock, when the device asked.
  void pull(Frames out, std::int64_t now_ns) noexcept ONDES_REALTIME;

  // The frame of the stream that the device takes at that time (steady_clock). Nothing before the
  // first pull(). Any thread.
  std::optional<std::int64_t> frame_at(std::int64_t now_ns) const noexcept ONDES_REALTIME;

 private:
  // Where the render thread had nothing more to render.
  struct End {
    std::int64_t frame = -1;   // -1: it has
    std::int64_t number = -1;  // of the last source that had begun, or never will
  };
  End end_now() const noexcept ONDES_REALTIME;

  // Render thread.
  void run() noexcept;
  void set_end(const End& end) noexcept ONDES_REALTIME;
  void take_orders() noexcept ONDES_REALTIME;
  bool render_block() noexcept ONDES_REALTIME;
  int render_sound(Frames out, std::int64_t position) noexcept ONDES_REALTIME;
  void publish(double busy_s, int frames) noexcept ONDES_REALTIME;
  void adapt_lanes(SourceState& state) noexcept ONDES_REALTIME;
  // Control thread.
  void find_position(StreamTelemetry& telemetry);
  // Device thread.
  bool take_flush() noexcept ONDES_REALTIME;
  int take_frames(Frames out) noexcept ONDES_REALTIME;
  void record(ConstFrames out) noexcept ONDES_REALTIME;

  StreamOptions options_;
  FrameRing ring_;
  SourceMixer mixer_;
  StreamClock clock_;
  FrameRing* tap_ = nullptr;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> paused_{false};
  std::atomic<int> ahead_frames_;
  std::atomic<std::int64_t> posted_{0};  // sources handed over

  // Render thread.
  Buffer block_;
  SoundGuard guard_;
  LoadMeter load_;
  int lane_limit_ = 0;
  End end_;  // as published

  // Render thread to device thread.
  std::atomic<std::int64_t> flush_to_{0};  // frames before this one are not heard any more
  Published<End> published_end_;
  std::atomic<RenderScheduling> scheduling_{RenderScheduling::as_everything};

  // Device thread.
  Seam seam_;
  enum class Wait { none, to_begin, after_underrun };  // until the ring is full
  Wait wait_ = Wait::to_begin;
  bool sounding_ = false;  // the last frame that was played is the stream's, and not its end
  bool at_end_ = false;    // of the current pull
  std::int64_t flushed_to_ = 0;
  std::int64_t device_frame_ = 0;

  // Device thread to the others.
  std::atomic<std::int64_t> ended_at_{-1};  // the end that was played last
  std::atomic<std::int64_t> device_frames_{0};
  std::atomic<std::int64_t> shift_frames_{0};  // frame of the stream - frame of the device
  std::atomic<std::int64_t> underruns_{0};
  std::atomic<std::int64_t> missing_frames_{0};
  std::atomic<std::int64_t> tap_lost_frames_{0};
  std::array<std::atomic<float>, kMaxStreamChannels> peak_{};

  // Render thread to the control thread.
  struct RenderState {
    SourceState source;
    std::int64_t number = 0;
    double load = 0.0;
    int lane_limit = 0;
  };
  Published<RenderState> render_state_;
  std::atomic<double> worst_load_{0.0};
  std::atomic<std::int64_t> silenced_frames_{0};

  // Control thread: the sources that are heard or will be, in order.
  std::deque<SourceBegin> begins_;
};

}  // namespace ondes
