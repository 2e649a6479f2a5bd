#include "engine/stream/live_source.h"

#include <algorithm>
#include <utility>

namespace ondes {
namespace {

constexpr std::uint8_t kSustain = 64;
constexpr std::uint8_t kAllSoundOff = 120;
constexpr std::uint8_t kResetController = 121;
constexpr std::uint8_t kAllNotesOff = 123;
constexpr std::size_t kEventsForAll = 2 * kChannels;  // a panic, or letting go of every key

}  // namespace

LiveSource::LiveSource(SynthVoice voice,
                       const Stream& stream,
                       std::shared_ptr<LiveLine> line,
                       LiveSourceOptions options)
    : voice_(std::move(voice)),
      stream_(stream),
      line_(std::move(line)),
      options_(std::move(options)),
      synth_(*voice_.plan, *voice_.contract, *voice_.runner, options_.synth) {
  if (options_.lanes > 0) {
    synth_.limit_lanes(options_.lanes);
  }
  waiting_.reserve(LiveLine::kMaxEvents + 1);  // an event, and a loss before it
  due_.reserve(LiveLine::kMaxEvents + kEventsForAll + options_.beginnings.size());
  const int stream_rate_hz = stream.options().sample_rate_hz;
  if (voice_.contract->sample_rate_hz != stream_rate_hz) {
    rate_.emplace(voice_.contract->sample_rate_hz, stream_rate_hz, channels(), kMaxStreamBlock);
    samples_.allocate(rate_->max_input_frames(), channels());
    tail_frames_ = rate_->tail_frames();
  }
}

void LiveSource::begin(std::int64_t stream_frame) noexcept {
  first_frame_ = stream_frame;
  if (rate_) {
    rate_->start(stream_frame);
  }
  for (const SynthEvent& event : options_.beginnings) {
    due_.push_back(event);
    due_.back().sample = 0;
  }
}

// Takes what has arrived, each to its frame. Events keep their order of arrival.
void LiveSource::receive(std::int64_t stream_frame) noexcept {
  const int latency = latency_frames();
  longest_latency_frames_ = std::max(longest_latency_frames_, latency);
  while (static_cast<int>(waiting_.size()) < LiveLine::kMaxEvents) {
    const std::optional<LiveEvent> arrived = line_->take();
    if (line_->take_loss()) {
      add_waiting({stream_frame, stream_frame, {}, true});
    }
    if (!arrived) {
      return;
    }
    std::int64_t frame = stream_.frame_at(arrived->arrival_ns).value_or(stream_frame) + latency;
    const bool before_us = options_.follows && frame < first_frame_;
    const bool strikes =
        arrived->event.has_value() && arrived->event->kind == SynthEventKind::note_on;
    if (before_us && strikes) {
      continue;  // the source before this one plays it
    }
    const std::int64_t meant_frame = frame;
    if (frame < stream_frame && !before_us) {
      frame = stream_frame;
      line_->count_late();
    }
    add_waiting({frame, meant_frame, *arrived});
  }
}

// The clock may be corrected between two arrivals by a fraction of a sample, never the order.
void LiveSource::add_waiting(Waiting waiting) noexcept {
  if (!waiting_.empty()) {
    waiting.stream_frame = std::max(waiting.stream_frame, waiting_.back().stream_frame);
  }
  waiting_.push_back(waiting);
}

int LiveSource::latency_frames() const noexcept {
  return options_.changing_latency_frames
             ? options_.changing_latency_frames->load(std::memory_order_relaxed)
             : options_.latency_frames;
}

int LiveSource::render(Frames out, std::int64_t stream_frame) noexcept {
  if (retired_ && retired_frame_ < 0) {
    retired_frame_ = stream_frame;
  }
  if (retired_ && !rings_out(stream_frame)) {
    if (tail_frames_ <= 0) {
      return 0;
    }
    tail_frames_ -= out.frames();
  }
  due_.clear();
  const bool begins = first_frame_ < 0;
  if (begins) {
    begin(stream_frame);
  }
  receive(stream_frame);
  if (line_->take_panic()) {
    waiting_.clear();  // a key that was pressed before would sound after it
    add_for_all({ControlKind::reset, ControlKind::all_sound_off}, synth_.position_samples());
    if (!begins && !retired_) {
      remember_for_all({kResetController, kAllSoundOff}, stream_frame);
    }
  }
  repair_record(stream_frame);
  if (!rate_) {
    take_due(stream_frame, out.frames(), out.frames());
    synth_.process(due_, out);
    line_->publish_notes(synth_.stats().notes, synth_.stats().stolen_notes);
    return out.frames();
  }
  const Frames samples = samples_.view().subview(0, rate_->input_frames(out.frames()));
  take_due(stream_frame, out.frames(), samples.frames());
  synth_.process(due_, samples);
  line_->publish_notes(synth_.stats().notes, synth_.stats().stolen_notes);
  rate_->process(samples, out);
  return out.frames();
}

// What is due in the next `frames` of the stream, for which the synth makes `samples`.
void LiveSource::take_due(std::int64_t stream_frame, int frames, int samples) noexcept {
  std::size_t taken = 0;
  for (; taken < waiting_.size(); ++taken) {
    const Waiting& waiting = waiting_[taken];
    const std::size_t room = due_.capacity() - due_.size();
    if (waiting.stream_frame >= stream_frame + frames ||
        room < (waiting.lets_go ? kEventsForAll : 1)) {
      break;
    }
    const std::int64_t frame = std::max(waiting.stream_frame, stream_frame);
    const std::int64_t sample = rate_ ? rate_->input_of(frame) : frame - stream_frame;
    const std::int64_t at =
        synth_.position_samples() + std::clamp<std::int64_t>(sample, 0, std::max(samples - 1, 0));
    if (waiting.lets_go) {
      let_go(frame, at);
    } else {
      take_event(waiting, frame, at);
    }
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void LiveSource::take_event(const Waiting& waiting,
                            std::int64_t stream_frame,
                            std::int64_t sample) noexcept {
  const bool strikes = waiting.live.event && waiting.live.event->kind == SynthEventKind::note_on;
  if (waiting.live.event && (!strikes || is_ours(waiting))) {
    due_.push_back(*waiting.live.event);
    due_.back().sample = sample;
  }
  if (is_ours(waiting) && waiting.stream_frame >= first_frame_) {
    remember({stream_frame, waiting.live.message});
  }
}

// The pedals first: a key that is lifted under one sounds on.
void LiveSource::let_go(std::int64_t stream_frame, std::int64_t sample) noexcept {
  add_for_all({ControlKind::sustain, ControlKind::all_notes_off}, sample);
  if (!retired_) {  // the follower's keys are none of its business
    remember_for_all({kSustain, kAllNotesOff}, stream_frame);
  }
}

// Whether a key is to be heard here and a message to be remembered: once retired, what the follower
// does not get, or leaves to this source.
bool LiveSource::is_ours(const Waiting& waiting) const noexcept {
  return !retired_ || !waiting.live.followed || waiting.meant_frame < retired_frame_;
}

bool LiveSource::rings_out(std::int64_t stream_frame) const noexcept {
  return !synth_.silent() || stream_frame < retired_frame_ + longest_latency_frames_;
}

void LiveSource::add_for_all(std::array<ControlKind, 2> kinds, std::int64_t sample) noexcept {
  for (int channel = 0; channel < kChannels; ++channel) {
    for (const ControlKind kind : kinds) {
      SynthEvent event;
      event.sample = sample;
      event.kind = SynthEventKind::control;
      event.control = kind;
      event.channel = channel;
      due_.push_back(event);
    }
  }
}

void LiveSource::remember_for_all(std::array<std::uint8_t, 2> controllers,
                                  std::int64_t stream_frame) noexcept {
  for (unsigned channel = 0; channel < kChannels; ++channel) {
    const auto status = static_cast<std::uint8_t>(0xB0U | channel);
    for (const std::uint8_t controller : controllers) {
      remember({stream_frame, {status, controller, 0}});
    }
  }
}

void LiveSource::remember(const PlayedEvent& event) noexcept {
  record_has_holes_ |= !line_->remember(event);
}

void LiveSource::repair_record(std::int64_t stream_frame) noexcept {
  if (!record_has_holes_ || !line_->can_remember(kEventsForAll)) {
    return;
  }
  record_has_holes_ = false;
  if (!retired_) {
    remember_for_all({kSustain, kAllNotesOff}, stream_frame);
  }
}

void LiveSource::retire() noexcept {
  retired_ = true;
}

SourceState LiveSource::state() const noexcept {
  SourceState state;
  state.position_s =
      static_cast<double>(synth_.position_samples()) / voice_.contract->sample_rate_hz;
  state.lanes_now = synth_.stats().lanes_now;
  state.lanes_limit = synth_.lane_limit();
  state.lanes_most = voice_.runner->max_lanes();
  state.notes = synth_.stats().notes;
  state.stolen_notes = synth_.stats().stolen_notes;
  return state;
}

}  // namespace ondes
