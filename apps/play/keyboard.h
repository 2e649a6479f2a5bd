// MIDI messages as events for live sources: what a key, a pedal, a wheel means.
//
// It remembers how the controllers are, so that a source that is begun later (another voice) begins
// with them, and sends every event to all lines that are open: a key that is held while the voice
// changes sounds on in the old one until it is lifted. Each event says to the older lines whether the
// newest one got it, too (live_source.h). Where the newest line loses an event, its source lets go of
// the pedals, and a later one begins without them.
//
// A line is let go when its source has ended, or when kMaxLines are open; the MIDI thread, which is
// never made to wait, has then left it.
//
// MIDI thread: midi(). Control thread: the rest.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "apps/play/midi_input.h"
#include "engine/score/channel_controls.h"
#include "engine/stream/live_line.h"

namespace ondes {

class Keyboard : public MidiReceiver {
 public:
  static constexpr std::size_t kMaxLines = 16;  // open at once; then the oldest one is silenced

  // `morph_controller`: as ChannelControls has it.
  explicit Keyboard(int morph_controller);

  void midi(std::int64_t arrival_ns, std::span<const std::uint8_t> bytes) noexcept override;

  // From now on events go to this line too.
  void add_line(std::shared_ptr<LiveLine> line);
  // Those that are kept: open, or the newest.
  std::size_t lines() const { return owned_.size(); }
  // Every controller that was moved, as it is now.
  std::vector<SynthEvent> controls() const;
  // Silence, and sustain, modulation, bend and expression as at first, for later sources, too.
  void panic() noexcept;

 private:
  static constexpr std::size_t kChannelCount = 16;
  static constexpr std::size_t kKinds = 8;  // program to bend; the others are no states

  std::optional<SynthEvent> meaning(const MidiMessage& message) noexcept;
  void remember(const SynthEvent& event) noexcept;
  void forget_pedals() noexcept;
  void send(const LiveEvent& live) noexcept;
  void let_go(std::size_t index);

  ChannelControls decoder_;
  std::atomic<bool> panicked_{false};  // the decoder has not heard of it yet
  std::array<std::array<std::atomic<float>, kKinds>, kChannelCount> values_;  // NaN: never moved
  std::atomic<LiveLine*> newest_{nullptr};
  std::array<std::atomic<LiveLine*>, kMaxLines> older_{};
  std::atomic<std::uint64_t> turns_{0};           // odd: the MIDI thread is among the lines
  std::vector<std::shared_ptr<LiveLine>> owned_;  // control thread; in the order of beginning
};

}  // namespace ondes
