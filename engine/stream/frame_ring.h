// A ring of frames between one producing and one consuming thread, without locks.
//
// Positions are counts of frames since the beginning; the ring never wraps them (int64). Frames are
// written and read whole, so that channels cannot swap, whatever is late.
//
// Shapes: C channels, interleaved; capacity a power of two of frames.
// Set-up thread: constructor. Producer thread: writable(), write(). Consumer thread: readable(),
// read(), skip_to(). Any thread: the positions.
#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#include "engine/buffer.h"
#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

class FrameRing {
 public:
  // Holds at least `min_frames`.
  FrameRing(int min_frames, int channels)
      : capacity_(static_cast<int>(std::bit_ceil(static_cast<unsigned>(std::max(min_frames, 2))))),
        frames_(capacity_, channels) {}

  int capacity_frames() const noexcept { return capacity_; }
  int channels() const noexcept { return frames_.channels(); }
  std::int64_t written() const noexcept { return written_.load(std::memory_order_acquire); }
  std::int64_t consumed() const noexcept { return consumed_.load(std::memory_order_acquire); }

  int writable() const noexcept ONDES_REALTIME {
    return capacity_ - static_cast<int>(written_.load(std::memory_order_relaxed) - consumed());
  }
  // As many of the first frames as there is room for; returns how many.
  int write(ConstFrames in) noexcept ONDES_REALTIME {
    const std::int64_t at = written_.load(std::memory_order_relaxed);
    const int count = std::min(in.frames(), writable());
    for (int t = 0; t < count; ++t) {
      std::copy_n(in[t].data(), channels(), slot(at + t).data());
    }
    written_.store(at + count, std::memory_order_release);
    return count;
  }

  int readable() const noexcept ONDES_REALTIME {
    return static_cast<int>(written() - consumed_.load(std::memory_order_relaxed));
  }
  // Fills the first frames of `out`; returns how many.
  int read(Frames out) noexcept ONDES_REALTIME {
    const std::int64_t at = consumed_.load(std::memory_order_relaxed);
    const int count = std::min(out.frames(), readable());
    for (int t = 0; t < count; ++t) {
      std::copy_n(slot(at + t).data(), channels(), out[t].data());
    }
    consumed_.store(at + count, std::memory_order_release);
    return count;
  }
  // Forgets what lies before `position`, which must have been written.
  void skip_to(std::int64_t position) noexcept ONDES_REALTIME {
    if (position > consumed_.load(std::memory_order_relaxed)) {
      consumed_.store(position, std::memory_order_release);
    }
  }

 private:
  std::span<float> slot(std::int64_t position) noexcept {
    return frames_.view()[static_cast<int>(position & (capacity_ - 1))];
  }

  int capacity_;
  Buffer frames_;
  // Either position on a cache line of its own: each thread writes one and reads the other.
  alignas(kBufferAlignmentBytes) std::atomic<std::int64_t> written_{0};
  alignas(kBufferAlignmentBytes) std::atomic<std::int64_t> consumed_{0};
};

}  // namespace ondes
