// MIDI messages as events for live sources: what a key, a pedal, a wheel means.
//
// It remembers how the controllers are, so that a source that is begun later (another voice) begins
// with them, and sends every event to all lines that are open: a key that is held while the voice
// changes sounds on in the old one until it is lifted.
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
  static constexpr std::size_t kMaxLines = 16;  // that are open at once; an older one is silenced

  // `morph_controller`: as ChannelControls has it.
  explicit Keyboard(int morph_controller);

  void midi(std::int64_t arrival_ns, std::span<const std::uint8_t> bytes) noexcept override;

  // From now on events go to this line too.
  void add_line(std::shared_ptr<LiveLine> line);
  // Every controller that was moved, as it is now.
  std::vector<SynthEvent> controls() const;
  void panic() noexcept;

 private:
  static constexpr std::size_t kChannelCount = 16;
  static constexpr std::size_t kKinds = 8;  // program to bend; the others are no states

  std::optional<SynthEvent> meaning(const MidiMessage& message) noexcept;
  void remember(const SynthEvent& event) noexcept;

  ChannelControls decoder_;
  std::array<std::array<std::atomic<float>, kKinds>, kChannelCount> values_;  // NaN: never moved
  std::array<std::atomic<LiveLine*>, kMaxLines> lines_{};
  std::vector<std::shared_ptr<LiveLine>> owned_;  // control thread; kept while the MIDI thread runs
};

}  // namespace ondes
