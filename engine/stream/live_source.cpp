#include "engine/stream/live_source.h"

#include <algorithm>
#include <utility>

namespace ondes {

LiveSource::LiveSource(SynthVoice voice, const Stream& stream, const LiveSourceOptions& options)
    : voice_(std::move(voice)),
      stream_(stream),
      options_(options),
      synth_(*voice_.plan, *voice_.contract, *voice_.runner, options.synth),
      arriving_(kMaxEvents),
      played_(16 * kMaxEvents) {
  waiting_.reserve(kMaxEvents);
  due_.reserve(kMaxEvents + 2 * kChannels);
}

bool LiveSource::send(const LiveEvent& event) noexcept {
  const bool sent = arriving_.push(event);
  if (!sent) {
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
  return sent;
}

// Takes what has arrived, each to its frame. Events keep their order of arrival.
void LiveSource::receive(std::int64_t stream_frame) noexcept {
  while (static_cast<int>(waiting_.size()) < kMaxEvents) {
    const std::optional<LiveEvent> arrived = arriving_.pop();
    if (!arrived) {
      return;
    }
    std::int64_t frame =
        stream_.frame_at(arrived->arrival_ns).value_or(stream_frame) + options_.latency_frames;
    if (frame < stream_frame) {
      frame = stream_frame;
      late_.fetch_add(1, std::memory_order_relaxed);
    }
    // The clock may be corrected between two arrivals by a fraction of a sample, never the order.
    if (!waiting_.empty()) {
      frame = std::max(frame, waiting_.back().stream_frame);
    }
    waiting_.push_back({frame, *arrived});
  }
}

int LiveSource::render(Frames out, std::int64_t stream_frame) noexcept {
  if (retired_ && synth_.silent()) {
    return 0;
  }
  due_.clear();
  if (panic_.exchange(false, std::memory_order_relaxed)) {
    silence_all();
  }
  receive(stream_frame);
  std::size_t taken = 0;
  for (; taken < waiting_.size(); ++taken) {
    Waiting& waiting = waiting_[taken];
    if (waiting.stream_frame >= stream_frame + out.frames() || due_.size() == due_.capacity()) {
      break;
    }
    if (waiting.live.event) {
      waiting.live.event->sample = synth_.position_samples() +
                                   std::max<std::int64_t>(waiting.stream_frame - stream_frame, 0);
      due_.push_back(*waiting.live.event);
    }
    if (!played_.push({waiting.stream_frame, waiting.live.message})) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
  synth_.process(due_, out);
  return out.frames();
}

void LiveSource::silence_all() noexcept {
  for (int channel = 0; channel < kChannels; ++channel) {
    for (const ControlKind kind : {ControlKind::reset, ControlKind::all_sound_off}) {
      SynthEvent event;
      event.sample = synth_.position_samples();
      event.kind = SynthEventKind::control;
      event.control = kind;
      event.channel = channel;
      due_.push_back(event);
    }
  }
}

void LiveSource::retire() noexcept {
  retired_ = true;
  synth_.stop_onsets();
}

SourceState LiveSource::state() const noexcept {
  SourceState state;
  state.position_s = static_cast<double>(synth_.position_samples()) / sample_rate_hz();
  state.lanes_now = synth_.stats().lanes_now;
  state.lanes_limit = synth_.lane_limit();
  state.notes = synth_.stats().notes;
  state.stolen_notes = synth_.stats().stolen_notes;
  return state;
}

}  // namespace ondes
