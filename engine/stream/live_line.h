// The line between a keyboard and a live source: events one way, what became of them the other way.
// Both ends share it, so that either may end first.
//
// What is lost where too many events wait may be the release of a key. The line tells the render thread
// of it, at its place among the events: the source lets go of every key there (live_source.h).
//
// Event thread (one): send(). Control thread: take_played(), the counters. Render thread: take(),
// take_loss(), remember(), take_panic(). Any thread: panic(), close(). Nothing allocates but the
// constructor.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/lanes/synth_event.h"
#include "engine/realtime.h"
#include "engine/stream/message_queue.h"

namespace ondes {

using MidiMessage = std::array<std::uint8_t, 3>;

struct LiveEvent {
  std::int64_t arrival_ns = 0;      // steady_clock
  std::optional<SynthEvent> event;  // its sample is not looked at; none: only to be remembered
  MidiMessage message{};            // what it came from, for the record
  bool followed = false;            // the line of a source that follows this one's gets it, too
};

struct PlayedEvent {
  std::int64_t stream_frame = 0;
  MidiMessage message{};
};

class LiveLine {
 public:
  static constexpr int kMaxEvents = 1024;  // that wait at once; more are lost, and counted

  // False if the event was lost because too many wait. What is sent to a source that has ended is
  // no loss.
  bool send(const LiveEvent& event) noexcept ONDES_REALTIME {
    if (closed_.load(std::memory_order_relaxed)) {
      return true;
    }
    if (arriving_.push(event)) {
      ++sent_;
      return true;
    }
    loss_.store(sent_, std::memory_order_release);
    lost_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void panic() noexcept ONDES_REALTIME { panic_.store(true, std::memory_order_relaxed); }
  void close() noexcept ONDES_REALTIME { closed_.store(true, std::memory_order_relaxed); }
  bool closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

  std::optional<LiveEvent> take() noexcept ONDES_REALTIME {
    const std::optional<LiveEvent> event = arriving_.pop();
    before_ = taken_;
    taken_ += event ? 1 : 0;
    return event;
  }
  // To be asked after each take(): whether events were lost before the one that it returned (before
  // the next one, if it returned none). Several losses that follow each other closely may be told of as
  // one, at the place of the last.
  bool take_loss() noexcept ONDES_REALTIME {
    std::int64_t loss = loss_.load(std::memory_order_acquire);
    return loss != kNoLoss && loss <= before_ &&
           loss_.compare_exchange_strong(loss, kNoLoss, std::memory_order_acquire);
  }
  bool take_panic() noexcept ONDES_REALTIME {
    return panic_.exchange(false, std::memory_order_relaxed);
  }
  void count_late() noexcept ONDES_REALTIME { late_.fetch_add(1, std::memory_order_relaxed); }
  // False if the event was lost because too many wait to be fetched.
  bool remember(const PlayedEvent& event) noexcept ONDES_REALTIME {
    if (played_.push(event)) {
      return true;
    }
    lost_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  bool can_remember(std::size_t events) const noexcept ONDES_REALTIME {
    return played_.room() >= events;
  }

  std::optional<PlayedEvent> take_played() noexcept { return played_.pop(); }
  // Of the source so far. Render thread, and any thread.
  void publish_notes(std::int64_t notes, std::int64_t stolen) noexcept ONDES_REALTIME {
    notes_.store(notes, std::memory_order_relaxed);
    stolen_.store(stolen, std::memory_order_relaxed);
  }
  std::int64_t notes() const noexcept { return notes_.load(std::memory_order_relaxed); }
  std::int64_t stolen_notes() const noexcept { return stolen_.load(std::memory_order_relaxed); }
  std::int64_t late_events() const noexcept { return late_.load(std::memory_order_relaxed); }
  std::int64_t lost_events() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t kNoLoss = -1;

  MessageQueue<LiveEvent> arriving_{kMaxEvents};
  MessageQueue<PlayedEvent> played_{16 * kMaxEvents};
  std::int64_t sent_ = 0;                    // event thread
  std::int64_t taken_ = 0;                   // render thread
  std::int64_t before_ = 0;                  // render thread: what came before the last take()
  std::atomic<std::int64_t> loss_{kNoLoss};  // how many had been sent at the last one
  std::atomic<bool> panic_{false};
  std::atomic<bool> closed_{false};
  std::atomic<std::int64_t> late_{0};
  std::atomic<std::int64_t> lost_{0};
  std::atomic<std::int64_t> notes_{0};
  std::atomic<std::int64_t> stolen_{0};
};

}  // namespace ondes
