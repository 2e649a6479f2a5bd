// A keyboard through a synth, as a stream's source: events come stamped with the time of their
// arrival and are heard a constant latency later, to the sample.
//
//   sample of an event = frame that the device takes at the stamp + latency_frames
//
// An event whose frame has been rendered already (the latency is too small for the stream's frames
// ahead, or the sender was late) takes effect at once and is counted as late.
//
// A source that follows another one (another voice, taken up while keys are held) gets the same
// events as the one before it until that one has rung out. Each key that is struck is heard once:
//
//   sent before there was a line to the follower:  by the source that was there
//   sent to both:                                  by the source that is current at the key's frame
//
// Who was struck first hears the key's release, too. A retired source stays for its latency: until
// then a key that is its own can become due.
//
// What was played, in the order and at the frames in which it took effect, can be fetched from the
// line, for writing a score; a panic as the controllers 121 and 120 of every channel.
//
// Where events were lost, a release may be among them: at that place every key and every pedal is let
// go of, and remembered as the controllers 64 (at 0) and 123 of every channel. What is lost for the
// record alone ends the notes there alone, as soon as there is room.
//
// A voice at another rate than the stream's is brought to it (stream_resampler.h): its events keep
// their frames, to a sample of the voice, and everything is heard that filter's constant delay later.
//
// Threads as StreamSource and LiveLine say.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/lanes/synth.h"
#include "engine/stream/live_line.h"
#include "engine/stream/stream.h"
#include "engine/stream/stream_resampler.h"
#include "engine/stream/stream_source.h"
#include "engine/stream/synth_voice.h"

namespace ondes {

struct LiveSourceOptions {
  SynthOptions synth;
  int latency_frames = 512;  // of the stream
  // Goes in its place where there is one: a latency that is changed while keys are struck. Their order
  // stays; who is struck at a change is heard within the greater of the two.
  std::shared_ptr<const std::atomic<int>> changing_latency_frames;
  int lanes = 0;                       // that it begins with; 0: as many as the runner has
  bool follows = false;                // another source that had the same events until now
  std::vector<SynthEvent> beginnings;  // how the controllers are; take effect at the first sample
};

class LiveSource : public StreamSource {
 public:
  // `stream` must outlive the source. Throws as Synth and StreamResampler do.
  LiveSource(SynthVoice voice,
             const Stream& stream,
             std::shared_ptr<LiveLine> line,
             LiveSourceOptions options);
  ~LiveSource() override { line_->close(); }

  int sample_rate_hz() const noexcept override { return stream_.options().sample_rate_hz; }
  int channels() const noexcept override { return 2; }
  int render(Frames out, std::int64_t stream_frame) noexcept override ONDES_REALTIME;
  void retire() noexcept override ONDES_REALTIME;
  void limit_lanes(int lanes) noexcept override ONDES_REALTIME { synth_.limit_lanes(lanes); }
  SourceState state() const noexcept override ONDES_REALTIME;
  std::string voice_name() const override { return voice_.name; }
  std::string failure() const override { return voice_.runner->failure(); }

 private:
  struct Waiting {
    std::int64_t stream_frame = 0;
    std::int64_t meant_frame = 0;  // where it would be, had it not come late
    LiveEvent live;
    bool lets_go = false;  // of every key, instead of an event: some were lost here
  };

  void begin(std::int64_t stream_frame) noexcept;
  void receive(std::int64_t stream_frame) noexcept;
  void add_waiting(Waiting waiting) noexcept;
  void remember(const PlayedEvent& event) noexcept;
  void remember_for_all(std::array<std::uint8_t, 2> controllers,
                        std::int64_t stream_frame) noexcept;
  void repair_record(std::int64_t stream_frame) noexcept;
  void take_due(std::int64_t stream_frame, int frames, int samples) noexcept;
  void take_event(const Waiting& waiting, std::int64_t stream_frame, std::int64_t sample) noexcept;
  void let_go(std::int64_t stream_frame, std::int64_t sample) noexcept;
  void add_for_all(std::array<ControlKind, 2> kinds, std::int64_t sample) noexcept;
  bool is_ours(const Waiting& waiting) const noexcept;
  bool rings_out(std::int64_t stream_frame) const noexcept;
  int latency_frames() const noexcept;

  SynthVoice voice_;
  const Stream& stream_;
  std::shared_ptr<LiveLine> line_;
  LiveSourceOptions options_;
  Synth synth_;
  std::optional<StreamResampler> rate_;  // where the voice's is another one
  Buffer samples_;                       // of a block at the voice's rate
  int tail_frames_ = 0;                  // that are left in the filter once the voice is silent
  std::vector<Waiting> waiting_;         // ascending in stream_frame
  std::vector<SynthEvent> due_;
  std::int64_t first_frame_ = -1;    // of the stream; -1: nothing is rendered yet
  int longest_latency_frames_ = 0;   // so far
  std::int64_t retired_frame_ = -1;  // the first one after; -1: it is not, or nothing since
  bool retired_ = false;
  bool record_has_holes_ = false;
};

}  // namespace ondes
