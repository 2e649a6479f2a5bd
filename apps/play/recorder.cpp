#include "apps/play/recorder.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "engine/buffer.h"
#include "engine/stream/render_priority.h"

namespace ondes {
namespace {

AudioWriteOptions float_wav(int sample_rate_hz, int channels) {
  AudioWriteOptions options;
  options.sample_rate_hz = sample_rate_hz;
  options.channels = channels;
  options.format = SampleFormat::float32;
  return options;
}

}  // namespace

Recorder::Recorder(const std::string& path, int sample_rate_hz, int channels)
    : ring_(static_cast<int>(kRingS * sample_rate_hz), channels),
      path_(path),
      writer_(std::in_place, path, float_wav(sample_rate_hz, channels)) {
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  stopping_.store(true);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Recorder::run() noexcept {
  name_this_thread("ondes-record");
  Buffer block(4096, ring_.channels());
  while (true) {
    // Asked for before the ring is looked at: what was played before the end is then written.
    const bool last = stopping_.load(std::memory_order_acquire);
    const int frames = ring_.read(block.view());
    if (frames == 0) {
      if (last) {
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    if (failed_.load(std::memory_order_relaxed)) {
      continue;
    }
    try {
      writer_->write(block.view().subview(0, frames));
    } catch (const Error& error) {
      error_ = error;
      writer_.reset();
      failed_.store(true, std::memory_order_release);
    }
  }
}

std::optional<std::string> Recorder::failure() const {
  return failed_.load(std::memory_order_acquire) ? std::optional<std::string>(error_->what())
                                                 : std::nullopt;
}

void Recorder::finish(std::int64_t lost_frames) {
  stopping_.store(true, std::memory_order_release);
  thread_.join();
  if (error_) {
    throw *error_;
  }
  if (lost_frames > 0) {
    throw Error(ErrorCode::io,
                fmt::format("{}: expected every frame that was played, lost {}: the disk was too "
                            "slow for {} s",
                            path_, lost_frames, kRingS));
  }
  writer_->finish();
}

}  // namespace ondes
