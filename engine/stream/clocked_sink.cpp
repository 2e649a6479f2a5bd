#include "engine/stream/clocked_sink.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/stream/render_priority.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t nanoseconds(Clock::time_point time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

ClockedSink::ClockedSink(Stream& stream, const ClockedSinkOptions& options)
    : stream_(stream), options_(options) {
  if (options.block_frames < 1 || options.block_frames > kMaxStreamBlock || options.speed < 0.0 ||
      options.keep_frames < 0) {
    throw Error(ErrorCode::usage, "clocked sink: sizes and speed must not be negative");
  }
  block_.allocate(options.block_frames, stream.options().channels);
  memory_.resize(static_cast<std::size_t>(options.keep_frames) *
                 static_cast<std::size_t>(stream.options().channels));
}

void ClockedSink::start() {
  stopping_.store(false);
  thread_ = std::thread([this] { run(); });
}

void ClockedSink::stop() noexcept {
  stopping_.store(true);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void ClockedSink::wait() const {
  while (!stream_.finished()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Without a clock the sink takes only what is there, so that nothing is ever missing.
bool ClockedSink::may_pull() const noexcept {
  return options_.speed > 0.0 || (stream_.can_pull(options_.block_frames) && !stream_.finished());
}

// In short naps: stop() need not wait for a slow clock. False once it has been called.
bool ClockedSink::wait_until(std::chrono::steady_clock::time_point due) const noexcept {
  constexpr std::chrono::milliseconds kNap{20};
  while (!stopping_.load(std::memory_order_relaxed) && due - Clock::now() > kNap) {
    std::this_thread::sleep_for(kNap / 2);
  }
  if (stopping_.load(std::memory_order_relaxed)) {
    return false;
  }
  std::this_thread::sleep_until(due);
  return true;
}

void ClockedSink::run() noexcept {
  name_this_thread("ondes-clock");
  const double period_s =
      options_.speed > 0.0
          ? options_.block_frames / (stream_.options().sample_rate_hz * options_.speed)
          : 0.0;
  Clock::time_point start = Clock::now();
  std::int64_t tick = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (!may_pull()) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      continue;
    }
    const auto due =
        start + std::chrono::duration_cast<Clock::duration>(
                    std::chrono::duration<double>(period_s * static_cast<double>(tick)));
    if (options_.stall) {
      std::this_thread::sleep_for(options_.stall(callbacks_.load(std::memory_order_relaxed)));
    }
    if (options_.speed > 0.0) {
      if (!wait_until(due)) {
        return;
      }
      const Clock::time_point now = Clock::now();
      if (std::chrono::duration<double>(now - due).count() > period_s) {
        late_.fetch_add(1, std::memory_order_relaxed);
        start = now;
        tick = 0;
      }
    }
    ++tick;
    stream_.pull(block_.view(), nanoseconds(Clock::now()));
    keep(block_.view());
    callbacks_.fetch_add(1, std::memory_order_release);
  }
}

void ClockedSink::keep(ConstFrames block) noexcept {
  const std::int64_t first = kept_.load(std::memory_order_relaxed);
  const auto count =
      static_cast<int>(std::min<std::int64_t>(block.frames(), options_.keep_frames - first));
  const auto channels = static_cast<std::int64_t>(block.channels());
  for (int t = 0; t < count; ++t) {
    std::copy_n(block[t].data(), channels, memory_.data() + (first + t) * channels);
  }
  kept_.store(first + std::max(count, 0), std::memory_order_release);
}

ConstFrames ClockedSink::kept(std::int64_t first, int count) const noexcept {
  const int channels = stream_.options().channels;
  return {memory_.data() + first * channels, count, channels};
}

}  // namespace ondes
