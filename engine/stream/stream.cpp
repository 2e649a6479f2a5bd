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

double seconds(Clock::duration duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

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
      ring_(options.ahead_frames + options.block_frames, std::max(options.channels, 1)),
      mixer_(std::max(options.channels, 1), std::max(options.block_frames, 1)),
      clock_(options.sample_rate_hz),
      block_(std::max(options.block_frames, 1), std::max(options.channels, 1)),
      seam_(std::max(options.sample_rate_hz, 1)) {
  require("sample rate", options.sample_rate_hz >= 1000 && options.sample_rate_hz <= 1'000'000,
          options.sample_rate_hz, "1000 to 1000000 Hz");
  require("channels", options.channels >= 1 && options.channels <= kMaxStreamChannels,
          options.channels, "1 to 8");
  require("block", options.block_frames >= 1 && options.block_frames <= kMaxStreamBlock,
          options.block_frames, "1 to 4096 frames");
  require("frames ahead",
          options.ahead_frames >= options.block_frames && options.ahead_frames <= (1 << 22),
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

void Stream::start() {
  stopping_.store(false);
  thread_ = std::thread([this] { run(); });
  while (ring_.readable() < options_.ahead_frames && !dry_.load(std::memory_order_acquire)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Stream::stop() noexcept {
  stopping_.store(true);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Stream::run() noexcept {
  const FlushToZeroScope flush;
  const Clock::duration pause = nap(options_);
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::int64_t ahead =
        ring_.written() - std::max(ring_.consumed(), flush_to_.load(std::memory_order_relaxed));
    if (ahead >= options_.ahead_frames || ring_.writable() < options_.block_frames ||
        !render_block()) {
      std::this_thread::sleep_for(pause);
    }
  }
}

// False if there was nothing to render.
bool Stream::render_block() noexcept {
  const Clock::time_point begin = Clock::now();
  bool flushed = false;
  const std::int64_t position = ring_.written();
  const int made = mixer_.render(block_.view(), position, &flushed);
  if (flushed) {
    flush_to_.store(position, std::memory_order_release);
  }
  if (made > 0) {
    // Not dry any more before there is something to play: a device must not take the new frames
    // for the end.
    dry_.store(false, std::memory_order_release);
    ring_.write(block_.view().subview(0, made));
    publish(seconds(Clock::now() - begin), made);
  }
  if (made < options_.block_frames) {
    dry_number_.store(mixer_.number(), std::memory_order_relaxed);
    dry_.store(true, std::memory_order_release);
  }
  return made > 0;
}

void Stream::publish(double busy_s, int frames) noexcept {
  load_.add(busy_s, static_cast<double>(frames) / options_.sample_rate_hz);
  SourceState state = mixer_.state();
  if (options_.adapts_lanes && state.lanes_limit > 0) {
    const int advice = load_.advise(state.lanes_limit);
    if (advice < state.lanes_limit) {
      mixer_.limit_lanes(advice);
      lane_limit_ = state.lanes_limit = advice;
    }
  }
  render_state_.publish({ring_.written(), mixer_.number(), state, load_.smoothed(), lane_limit_});
  const double load = busy_s * options_.sample_rate_hz / frames;
  if (load > worst_load_.load(std::memory_order_relaxed)) {
    worst_load_.store(load, std::memory_order_relaxed);
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
  const bool breaks_after = sounds && made < out.frames();
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
  if (paused_.load(std::memory_order_acquire)) {
    return 0;
  }
  // Whether the renderer has run dry must be known before the ring is looked at: what was written
  // before that is then seen.
  const bool dry = dry_.load(std::memory_order_acquire);
  if (wait_ != Wait::none && ring_.readable() < options_.ahead_frames && !dry) {
    if (wait_ == Wait::after_underrun) {
      missing_frames_.fetch_add(out.frames(), std::memory_order_relaxed);
    }
    return 0;
  }
  wait_ = Wait::none;
  const int made = ring_.read(out);
  if (made == out.frames()) {
    return made;
  }
  if (!dry) {
    wait_ = Wait::after_underrun;
    underruns_.fetch_add(1, std::memory_order_relaxed);
    missing_frames_.fetch_add(out.frames() - made, std::memory_order_relaxed);
  } else if (ring_.readable() == 0) {
    wait_ = Wait::to_begin;
    finished_number_.store(dry_number_.load(std::memory_order_relaxed), std::memory_order_release);
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
  result.source_number = rendered.source_number;
  result.rendered_frames = rendered.rendered_frames;
  result.lane_limit = rendered.lane_limit;
  result.position_s =
      rendered.source.position_s - static_cast<double>(std::max<std::int64_t>(
                                       rendered.rendered_frames - result.played_frames, 0)) /
                                       options_.sample_rate_hz;
  result.paused = paused_.load();
  result.finished = finished();
  return result;
}

}  // namespace ondes
