// A keyboard through a synth, as a stream's source: events come stamped with the time of their
// arrival and are heard a constant latency later, to the sample.
//
//   sample of an event = frame that the device takes at the stamp + latency_frames
//
// An event whose frame has been rendered already (the latency is too small for the stream's frames
// ahead, or the sender was late) takes effect at once and is counted as late.
//
// What was played, in the order and at the frames in which it took effect, can be fetched
// (take_played()), for writing a score.
//
// Event thread (one): send(). Control thread: take_played(), late_events(), lost_events(). The rest
// as StreamSource says.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/lanes/synth.h"
#include "engine/stream/message_queue.h"
#include "engine/stream/stream.h"
#include "engine/stream/stream_source.h"
#include "engine/stream/synth_voice.h"

namespace ondes {

using MidiMessage = std::array<std::uint8_t, 3>;

struct LiveEvent {
  std::int64_t arrival_ns = 0;      // steady_clock
  std::optional<SynthEvent> event;  // its sample is not looked at; none: only to be remembered
  MidiMessage message{};            // what it came from, for the record
};

struct PlayedEvent {
  std::int64_t stream_frame = 0;
  MidiMessage message{};
};

struct LiveSourceOptions {
  SynthOptions synth;
  int latency_frames = 512;
};

class LiveSource : public StreamSource {
 public:
  static constexpr int kMaxEvents = 1024;  // that wait at once; more are lost, and counted

  // `stream` must outlive the source. Throws as Synth does.
  LiveSource(SynthVoice voice, const Stream& stream, const LiveSourceOptions& options);

  // False if the event was lost because the queue is full.
  bool send(const LiveEvent& event) noexcept ONDES_REALTIME;
  // Silences everything at the next block. Any thread.
  void panic() noexcept ONDES_REALTIME { panic_.store(true, std::memory_order_relaxed); }
  std::optional<PlayedEvent> take_played() noexcept { return played_.pop(); }
  std::int64_t late_events() const noexcept { return late_.load(std::memory_order_relaxed); }
  std::int64_t lost_events() const noexcept { return lost_.load(std::memory_order_relaxed); }

  int sample_rate_hz() const noexcept override { return voice_.contract->sample_rate_hz; }
  int channels() const noexcept override { return 2; }
  int render(Frames out, std::int64_t stream_frame) noexcept override ONDES_REALTIME;
  void retire() noexcept override ONDES_REALTIME;
  void limit_lanes(int lanes) noexcept override ONDES_REALTIME { synth_.limit_lanes(lanes); }
  SourceState state() const noexcept override ONDES_REALTIME;

 private:
  void receive(std::int64_t stream_frame) noexcept;
  void silence_all() noexcept;

  SynthVoice voice_;
  const Stream& stream_;
  LiveSourceOptions options_;
  Synth synth_;
  MessageQueue<LiveEvent> arriving_;
  MessageQueue<PlayedEvent> played_;
  struct Waiting {
    std::int64_t stream_frame = 0;
    LiveEvent live;
  };
  std::vector<Waiting> waiting_;  // ascending in stream_frame
  std::vector<SynthEvent> due_;
  bool retired_ = false;
  std::atomic<bool> panic_{false};
  std::atomic<std::int64_t> late_{0};
  std::atomic<std::int64_t> lost_{0};
};

}  // namespace ondes
