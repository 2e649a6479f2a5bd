// A value that one thread publishes and others read, whole: a sequence lock. The writer never
// waits; a reader tries again when it was written meanwhile.
//
// The bytes travel as relaxed atomic words, so that a torn read is only thrown away, never
// undefined (H. Boehm, "Can seqlocks get along with programming language memory models?", 2012).
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
    std::array<std::uint64_t, kWords> words{};
    std::memcpy(words.data(), &value, sizeof(T));
    const std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < kWords; ++i) {
      words_[i].store(words[i], std::memory_order_relaxed);
    }
    sequence_.store(sequence + 2, std::memory_order_release);
  }

  // False, and `value` as it was, before the first publish().
  bool read(T& value) const noexcept ONDES_REALTIME {
    while (true) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      if (before == 0) {
        return false;
      }
      std::array<std::uint64_t, kWords> words;
      for (std::size_t i = 0; i < kWords; ++i) {
        words[i] = words_[i].load(std::memory_order_relaxed);
      }
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 == 0 && before == sequence_.load(std::memory_order_relaxed)) {
        std::memcpy(static_cast<void*>(&value), words.data(), sizeof(T));
        return true;
      }
    }
  }

 private:
  static constexpr std::size_t kWords = (sizeof(T) + 7) / 8;
  std::atomic<std::uint64_t> sequence_{0};  // odd: being written; 0: never was
  std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

}  // namespace ondes
