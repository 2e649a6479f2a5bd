// Messages from one thread to one other, without locks: commands, events, what is to be freed.
//
// Set-up thread: constructor. Producer thread: push(), room(). Consumer thread: pop(). None of them
// allocates.
#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "engine/buffer.h"
#include "engine/realtime.h"

namespace ondes {

template <typename T>
class MessageQueue {
  static_assert(std::is_trivially_copyable_v<T>, "a message is copied between threads as bytes");

 public:
  explicit MessageQueue(std::size_t min_capacity)
      : messages_(std::bit_ceil(std::max<std::size_t>(min_capacity, 2))) {}

  // False, and nothing happened, if the queue is full.
  bool push(const T& message) noexcept ONDES_REALTIME {
    const std::uint64_t at = pushed_.load(std::memory_order_relaxed);
    if (at - popped_.load(std::memory_order_acquire) == messages_.size()) {
      return false;
    }
    messages_[at & (messages_.size() - 1)] = message;
    pushed_.store(at + 1, std::memory_order_release);
    return true;
  }

  // How many more there is room for, at least.
  std::size_t room() const noexcept ONDES_REALTIME {
    const std::uint64_t waiting =
        pushed_.load(std::memory_order_relaxed) - popped_.load(std::memory_order_acquire);
    return messages_.size() - static_cast<std::size_t>(waiting);
  }

  std::optional<T> pop() noexcept ONDES_REALTIME {
    const std::uint64_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_.load(std::memory_order_acquire)) {
      return std::nullopt;
    }
    const T message = messages_[at & (messages_.size() - 1)];
    popped_.store(at + 1, std::memory_order_release);
    return message;
  }

 private:
  std::vector<T> messages_;
  alignas(kBufferAlignmentBytes) std::atomic<std::uint64_t> pushed_{0};
  alignas(kBufferAlignmentBytes) std::atomic<std::uint64_t> popped_{0};
};

}  // namespace ondes
