// A value that one thread publishes and others read, whole. Neither waits for the other: not even a
// writer that is put to sleep in the middle of publishing keeps a reader, so that a render thread
// may have a priority over the thread it reads from, or the other way round.
//
// The last kSlots values lie side by side; a reader takes the newest complete one and tries again
// only if kSlots - 1 newer ones have been begun meanwhile. The bytes travel as relaxed atomic words,
// so that a torn read is only thrown away, never undefined (H. Boehm, "Can seqlocks get along with
// programming language memory models?", 2012).
//
// Writer thread (one): publish(). Any thread: read(). Nothing allocates.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "engine/realtime.h"

namespace ondes {

template <typename T>
class Published {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  void publish(const T& value) noexcept ONDES_REALTIME {
    Words words{};
    std::memcpy(words.data(), &value, sizeof(T));
    const std::uint64_t count = count_.load(std::memory_order_relaxed);
    // A reader that sees one of the words below also sees the count of before.
    std::atomic_thread_fence(std::memory_order_release);
    Slot& slot = slots_[count % kSlots];
    for (std::size_t i = 0; i < kWords; ++i) {
      slot[i].store(words[i], std::memory_order_relaxed);
    }
    count_.store(count + 1, std::memory_order_release);
  }

  // False, and `value` as it was, before the first publish().
  bool read(T& value) const noexcept ONDES_REALTIME {
    while (true) {
      const std::uint64_t count = count_.load(std::memory_order_acquire);
      if (count == 0) {
        return false;
      }
      const Slot& slot = slots_[(count - 1) % kSlots];
      Words words;
      for (std::size_t i = 0; i < kWords; ++i) {
        words[i] = slot[i].load(std::memory_order_relaxed);
      }
      std::atomic_thread_fence(std::memory_order_acquire);
      // The slot is written again when the count has come kSlots - 1 further.
      if (count_.load(std::memory_order_relaxed) - count < kSlots - 1) {
        std::memcpy(static_cast<void*>(&value), words.data(), sizeof(T));
        return true;
      }
    }
  }

 private:
  static constexpr std::size_t kSlots = 4;
  static constexpr std::size_t kWords = (sizeof(T) + 7) / 8;
  using Words = std::array<std::uint64_t, kWords>;
  using Slot = std::array<std::atomic<std::uint64_t>, kWords>;

  std::atomic<std::uint64_t> count_{0};  // of the values so far
  std::array<Slot, kSlots> slots_{};
};

}  // namespace ondes
