// Which source sounds when: the render thread's side of switching.
//
// A switch is posted by the control thread and performed by the render thread at the very frame
// that was asked for. The old source begins nothing new and rings out under the new one, or is
// dropped; either way the control thread frees it, in collect().
//
// What waits is performed in the order of posting, one after the other; a switch that is to happen
// now, or instead of others, drops everything that still waits before it.
//
// A lone source's samples are passed on untouched. Sources that sound together are added in the
// order of their beginning.
//
// The first source that makes samples that are no finite numbers is remembered, and not freed: it
// can be asked for its voice and for what its machine says.
//
// Control thread: constructor, destructor (after the render thread's last call), post_*, collect(),
// take_begun(), broken(), broken_source().
// Render thread: render(), limit_lanes(), state().
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/buffer.h"
#include "engine/realtime.h"
#include "engine/stream/message_queue.h"
#include "engine/stream/stream_source.h"
#include "engine/views.h"

namespace ondes {

inline constexpr int kMaxRingingSources = 8;  // an older one is cut off
inline constexpr int kMaxWaitingSwitches = 64;

struct StreamSwitch {
  enum class When { now, at_frame, at_end };  // at_end: once what came before it has ended
  When when = When::now;
  std::int64_t frame = 0;  // of the stream, for at_frame; the past means now
  bool flush = false;      // now: what was rendered ahead is dropped, and so is the old source
  bool instead = false;    // of everything that waits for its time, as `now` always is
};

// When a source began, and where in its own time.
struct SourceBegin {
  std::int64_t number = 0;  // as post_switch() numbered it; 0: none has begun
  std::int64_t stream_frame = 0;
  double position_s = 0.0;
  double speed = 1.0;
};

// The first sample that is no finite number.
struct BrokenSource {
  SourceBegin begin;              // of the source that made it
  std::int64_t stream_frame = 0;  // where it stands
};

class SourceMixer {
 public:
  SourceMixer(int channels, int max_block_frames);
  ~SourceMixer();
  SourceMixer(const SourceMixer&) = delete;
  SourceMixer& operator=(const SourceMixer&) = delete;

  // Returns the source's number, counted from 1. Throws Error{usage} if kMaxWaitingSwitches wait.
  std::int64_t post_switch(std::unique_ptr<StreamSource> source, const StreamSwitch& how);
  void post_retire();
  void post_cancel();  // drops everything that waits for its time
  void collect();
  // Whether half as many sources as there is room for are in use or wait.
  bool crowded();
  // The next source that has begun since this was asked last.
  std::optional<SourceBegin> take_begun() noexcept { return begun_.pop(); }
  // Nothing while every sample has been a finite number.
  std::optional<BrokenSource> broken() const noexcept;
  // That source, which has been remembered; null before. After the render thread's last call.
  const StreamSource* broken_source() const noexcept;

  // The frames from `position` of the stream on; returns how many there were. Fewer: nothing sounds
  // and nothing waits. `flushed` becomes true if what lies before `position` is to be dropped; that
  // happens at a call's beginning only, for switches `now`. No frames: what is due is performed.
  int render(Frames out, std::int64_t position, bool* flushed) noexcept ONDES_REALTIME;
  // Also of sources that begin later; 0: no limit any more.
  void limit_lanes(int lanes) noexcept ONDES_REALTIME;
  // Of the source that began last, even after its end.
  SourceState state() const noexcept ONDES_REALTIME;
  // The number of the source that began last, 0 before the first.
  std::int64_t number() const noexcept ONDES_REALTIME { return number_; }
  // The number of the last source that has begun or will never begin.
  std::int64_t settled() const noexcept ONDES_REALTIME { return settled_; }

 private:
  enum class Order { begin, retire, cancel };
  struct Message {
    Order order = Order::begin;
    StreamSource* source = nullptr;  // to begin
    StreamSwitch how;
    std::int64_t number = 0;
  };

  // A source in use.
  struct Sounding {
    StreamSource* source = nullptr;
    SourceBegin begin;
  };
  struct Owned {
    StreamSource* source = nullptr;
    std::int64_t number = 0;
  };

  void post_order(Order order);
  void take_messages(std::int64_t position, bool* flushed) noexcept;
  void receive() noexcept;
  void drop_waiting(bool what_is_due_too) noexcept;
  bool is_due(const Message& message, std::int64_t position) const noexcept;
  void perform(const Message& message, std::int64_t position, bool* flushed) noexcept;
  int mix(Frames out, std::int64_t position) noexcept;
  int mix_ringing(Frames out, std::int64_t position) noexcept;
  void look_at(const Sounding& sounding, ConstFrames made, std::int64_t position) noexcept;
  void let_ring() noexcept;
  void end_current() noexcept;
  void give_back(StreamSource* source) noexcept;

  MessageQueue<Message> messages_;
  MessageQueue<StreamSource*> retired_;
  MessageQueue<SourceBegin> begun_;
  std::vector<Owned> owned_;  // control thread: everything that is not yet freed
  std::int64_t posted_ = 0;   // control thread

  Sounding current_;
  SourceState last_state_;  // of the last one that ended
  std::vector<Sounding> ringing_;
  std::vector<Message> waiting_;  // in the order of posting
  std::int64_t number_ = 0;
  std::int64_t settled_ = 0;
  int lane_limit_ = 0;
  Buffer scratch_;

  BrokenSource broken_;  // written once, before is_broken_ is
  std::atomic<bool> is_broken_{false};
};

}  // namespace ondes
