#include "engine/stream/stream.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "engine/error.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

void require(const char* what, bool holds, int found, const char* expected) {
  if (!holds) {
    throw Error(ErrorCode::usage, std::string("stream: ") + what + ": expected " + expected +
                                      ", found " + std::to_string(found));
  }
}

constexpr int kMostAhead = 1 << 22;

int most_ahead(const StreamOptions& options) noexcept {
  return std::max(options.ahead_frames, options.most_ahead_frames);
}

double seconds(Clock::duration duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

constexpr std::chrono::milliseconds kPausedNap{2};

// How long to sleep when there is nothing to do: a quarter of a block, so that a block is begun at
// most that late; never so short that waiting costs more than a percent or two of a core.
Clock::duration nap(const StreamOptions& options) {
  const double block_s = static_cast<double>(options.block_frames) / options.sample_rate_hz;
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(std::clamp(block_s / 4.0, 100.0e-6, 2.0e-3)));
}

}  // namespace

Stream::Stream(const StreamOptions& options)
    : options_(options),
      ring_(most_ahead(options) + options.block_frames, std::max(options.channels, 1)),
      mixer_(std::max(options.channels, 1), std::max(options.block_frames, 1)),
      clock_(options.sample_rate_hz),
      ahead_frames_(options.ahead_frames),
      block_(std::max(options.block_frames, 1), std::max(options.channels, 1)),
      guard_(std::max(options.sample_rate_hz, 1)),
      load_(static_cast<double>(options.ahead_frames) / std::max(options.sample_rate_hz, 1)),
      seam_(std::max(options.sample_rate_hz, 1)) {
  require("sample rate", options.sample_rate_hz >= 1000 && options.sample_rate_hz <= 1'000'000,
          options.sample_rate_hz, "1000 to 1000000 Hz");
  require("channels", options.channels >= 1 && options.channels <= kMaxStreamChannels,
          options.channels, "1 to 8");
  require("block", options.block_frames >= 1 && options.block_frames <= kMaxStreamBlock,
          options.block_frames, "1 to 4096 frames");
  require("frames ahead",
          options.ahead_frames >= options.block_frames && most_ahead(options) <= kMostAhead,
          options.ahead_frames, "a block to 4194304 frames");
}

Stream::~Stream() {
  stop();
}

std::int64_t Stream::play(std::unique_ptr<StreamSource> source, const StreamSwitch& how) {
  require("the source's sample rate", source->sample_rate_hz() == options_.sample_rate_hz,
          source->sample_rate_hz(), (std::to_string(options_.sample_rate_hz) + " Hz").c_str());
  require("the source's channels", source->channels() == options_.channels, source->channels(),
          std::to_string(options_.channels).c_str());
  const std::int64_t number = mixer_.post_switch(std::move(source), how);
  posted_.store(number);
  return number;
}

void Stream::set_ahead(int frames) noexcept {
  ahead_frames_.store(std::clamp(frames, options_.block_frames, most_ahead(options_)),
                      std::memory_order_relaxed);
}

void Stream::start(const std::function<bool()>& goes_on) {
  stopping_.store(false);
  thread_ = std::thread([this] { run(); });
  while (ring_.readable() < ahead_frames() && end_now().frame < 0 && (!goes_on || goes_on())) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Stream::End Stream::end_now() const noexcept {
  End end;
  published_end_.read(end);
  return end;
}

bool Stream::finished() const noexcept {
  const End end = end_now();
  return options_.ends && posted_ > 0 && end.frame >= 0 && end.number >= posted_ &&
         ended_at_.load(std::memory_order_acquire) >= end.frame;
}

bool Stream::can_pull(int frames) const noexcept {
  if (tap_ != nullptr && tap_->writable() < frames) {
    return false;
  }
  return end_now().frame >= 0 ||
         ring_.readable() >= (wait_ == Wait::none ? frames : ahead_frames());
}

void Stream::stop() noexcept {
  stopping_.store(true);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Stream::run() noexcept {
  const FlushToZeroScope flush;
  name_this_thread("ondes-render");
  if (options_.wants_priority) {
    scheduling_.store(take_render_priority() ? RenderScheduling::real_time
                                             : RenderScheduling::refused);
  }
  const Clock::duration pause = nap(options_);
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::int64_t ahead =
        ring_.written() - std::max(ring_.consumed(), flush_to_.load(std::memory_order_relaxed));
    const bool full = ahead >= ahead_frames() || ring_.writable() < options_.block_frames;
    if (full) {
      take_orders();
    }
    if (full || !render_block()) {
      // Nobody takes anything from a ring that is full and paused.
      std::this_thread::sleep_for(paused_.load(std::memory_order_relaxed) ? kPausedNap : pause);
    }
  }
}

// A ring stays full for as long as a pause lasts: what is due now must not wait for room.
void Stream::take_orders() noexcept {
  render_sound(block_.view().subview(0, 0), ring_.written());
}

// As SourceMixer::render(), and nothing in it that is no number.
int Stream::render_sound(Frames out, std::int64_t position) noexcept {
  bool flushed = false;
  const int made = mixer_.render(out, position, &flushed);
  if (flushed) {
    flush_to_.store(position, std::memory_order_release);
    guard_.reset();
  }
  const int silenced = guard_.pass(out.subview(0, made));
  if (silenced > 0) {
    silenced_frames_.fetch_add(silenced, std::memory_order_relaxed);
  }
  return made;
}

// False if there was nothing to render.
bool Stream::render_block() noexcept {
  const Clock::time_point begin = Clock::now();
  const int made = render_sound(block_.view(), ring_.written());
  if (made > 0) {
    // Before there is something to play: a device must not take the new frames for the end.
    set_end({});
    ring_.write(block_.view().subview(0, made));
    publish(seconds(Clock::now() - begin), made);
  }
  if (made < options_.block_frames) {
    set_end({ring_.written(), mixer_.settled()});
  }
  return made > 0;
}

void Stream::set_end(const End& end) noexcept {
  if (end.frame != end_.frame || end.number != end_.number) {
    end_ = end;
    published_end_.publish(end);
  }
}

void Stream::publish(double busy_s, int frames) noexcept {
  SourceState state = mixer_.state();
  load_.add(busy_s, static_cast<double>(frames) / options_.sample_rate_hz, state.lanes_now);
  if (options_.adapts_lanes && state.lanes_limit > 0) {
    adapt_lanes(state);
  }
  const int limit = state.lanes_limit < state.lanes_most ? state.lanes_limit : 0;
  render_state_.publish(
      {state, mixer_.number(), load_.smoothed(), state.lanes_limit > 0 ? limit : lane_limit_});
  const double load = busy_s * options_.sample_rate_hz / frames;
  if (load > worst_load_.load(std::memory_order_relaxed)) {
    worst_load_.store(load, std::memory_order_relaxed);
  }
}

void Stream::adapt_lanes(SourceState& state) noexcept {
  load_.set_lead(static_cast<double>(ahead_frames()) / options_.sample_rate_hz);
  const bool underrun_is_near = ring_.consumed() > 0 && ring_.readable() < ahead_frames() / 2;
  int advice = load_.advise(state.lanes_limit, state.lanes_now, underrun_is_near);
  if (advice == state.lanes_limit && state.lanes_limit < state.lanes_most) {
    advice = load_.advise_more(state.lanes_limit, state.lanes_most);
  }
  if (advice != state.lanes_limit) {
    lane_limit_ = advice < state.lanes_most ? advice : 0;
    mixer_.limit_lanes(lane_limit_);
    state.lanes_limit = advice;
  }
}

void Stream::pull(Frames out, std::int64_t now_ns) noexcept {
  const FlushToZeroScope flush;
  clock_.update(device_frame_, out.frames(), now_ns);
  const bool flushed = take_flush();
  const bool breaks_before = flushed && sounding_;
  const int made = take_frames(out);
  for (int t = made; t < out.frames(); ++t) {
    std::fill_n(out[t].data(), out.channels(), 0.0F);
  }
  const bool sounds = made > 0 || (sounding_ && !flushed);
  const bool breaks_after = sounds && made < out.frames() && !at_end_;
  seam_.apply(out, made, breaks_before, breaks_after);
  sounding_ = made == out.frames();
  device_frame_ += out.frames();
  device_frames_.store(device_frame_, std::memory_order_relaxed);
  shift_frames_.store(ring_.consumed() - device_frame_, std::memory_order_relaxed);
  record(out);
}

bool Stream::take_flush() noexcept {
  const std::int64_t flush_to = flush_to_.load(std::memory_order_acquire);
  if (flush_to <= flushed_to_) {
    return false;
  }
  flushed_to_ = flush_to;
  ring_.skip_to(flush_to);
  wait_ = Wait::to_begin;
  return true;
}

int Stream::take_frames(Frames out) noexcept {
  at_end_ = false;
  if (paused_.load(std::memory_order_acquire)) {
    return 0;
  }
  // The end must be known before the ring is looked at: what was written before it is then seen,
  // and what comes after it waits until the ring is full again.
  const End end = end_now();
  const bool ends = end.frame >= 0;
  if (wait_ != Wait::none && ring_.readable() < ahead_frames() && !ends) {
    if (wait_ == Wait::after_underrun) {
      missing_frames_.fetch_add(out.frames(), std::memory_order_relaxed);
    }
    return 0;
  }
  wait_ = Wait::none;
  std::int64_t wanted = out.frames();
  if (ends) {
    wanted = std::clamp<std::int64_t>(end.frame - ring_.consumed(), 0, wanted);
  }
  const int made = ring_.read(out.subview(0, static_cast<int>(wanted)));
  if (made == out.frames()) {
    return made;
  }
  if (ends) {
    at_end_ = true;
    wait_ = Wait::to_begin;
    ended_at_.store(end.frame, std::memory_order_release);
  } else {
    wait_ = Wait::after_underrun;
    underruns_.fetch_add(1, std::memory_order_relaxed);
    missing_frames_.fetch_add(out.frames() - made, std::memory_order_relaxed);
  }
  return made;
}

void Stream::record(ConstFrames out) noexcept {
  for (int c = 0; c < out.channels(); ++c) {
    float greatest = 0.0F;
    for (int t = 0; t < out.frames(); ++t) {
      greatest = std::max(greatest, std::abs(out[t][static_cast<std::size_t>(c)]));
    }
    std::atomic<float>& peak = peak_[static_cast<std::size_t>(c)];
    if (greatest > peak.load(std::memory_order_relaxed)) {
      peak.store(greatest, std::memory_order_relaxed);
    }
  }
  if (tap_ != nullptr) {
    const int lost = out.frames() - tap_->write(out);
    if (lost > 0) {
      tap_lost_frames_.fetch_add(lost, std::memory_order_relaxed);
    }
  }
}

std::optional<std::int64_t> Stream::frame_at(std::int64_t now_ns) const noexcept {
  const std::optional<std::int64_t> frame = clock_.frame_at(now_ns);
  if (!frame) {
    return std::nullopt;
  }
  return *frame + shift_frames_.load(std::memory_order_relaxed);
}

StreamTelemetry Stream::telemetry() {
  mixer_.collect();
  StreamTelemetry result;
  result.device_frames = device_frames_.load();
  result.played_frames = ring_.consumed();
  result.underruns = underruns_.load();
  result.missing_frames = missing_frames_.load();
  result.silenced_frames = silenced_frames_.load();
  const std::optional<BrokenSource> broken = mixer_.broken();
  result.broken = broken && broken->stream_frame < result.played_frames;
  result.ahead_frames =
      static_cast<int>(std::max<std::int64_t>(ring_.written() - ring_.consumed(), 0));
  result.worst_load = worst_load_.exchange(0.0);
  for (std::size_t c = 0; c < peak_.size(); ++c) {
    result.peak[c] = peak_[c].exchange(0.0F);
  }
  RenderState rendered;
  render_state_.read(rendered);
  result.load = rendered.load;
  result.source = rendered.source;
  result.source_number = rendered.number;
  result.lane_limit = rendered.lane_limit;
  result.scheduling = scheduling_.load();
  find_position(result);
  result.paused = paused_.load();
  result.finished = finished();
  return result;
}

std::optional<BrokenVoice> Stream::broken_voice() const {
  const std::optional<BrokenSource> broken = mixer_.broken();
  const StreamSource* source = mixer_.broken_source();
  if (!broken || source == nullptr) {
    return std::nullopt;
  }
  const auto seconds_to = [&](std::int64_t frame) {
    return static_cast<double>(frame) / options_.sample_rate_hz;
  };
  BrokenVoice voice;
  voice.name = source->voice_name();
  voice.position_s =
      broken->begin.position_s +
      broken->begin.speed * seconds_to(broken->stream_frame - broken->begin.stream_frame);
  voice.stream_s = seconds_to(broken->stream_frame);
  voice.failure = source->failure();
  return voice;
}

// From the sources' beginnings, so that what is heard now is right also where another source is
// being rendered already.
void Stream::find_position(StreamTelemetry& telemetry) {
  while (const std::optional<SourceBegin> begin = mixer_.take_begun()) {
    begins_.push_back(*begin);
  }
  while (begins_.size() > 1 && begins_[1].stream_frame <= telemetry.played_frames) {
    begins_.pop_front();
  }
  if (begins_.empty()) {
    return;
  }
  const SourceBegin& heard = begins_.front();
  const std::int64_t since =
      std::max<std::int64_t>(telemetry.played_frames - heard.stream_frame, 0);
  telemetry.begun = begins_.back();
  telemetry.heard_number = heard.number;
  telemetry.position_s =
      heard.position_s + heard.speed * static_cast<double>(since) / options_.sample_rate_hz;
}

}  // namespace ondes
