// What the channel messages of MIDI other than notes mean: the rules of performance.h, for a score
// and for a keyboard alike.
//
// It remembers, for each of the 16 channels, the bend and its range (RPN 0) and which registered
// parameter is selected. Any thread, one at a time; nothing allocates.
#pragma once
#include <array>
#include <optional>

#include "engine/realtime.h"
#include "engine/score/performance.h"

namespace ondes {

struct ChannelControl {
  ControlKind kind = ControlKind::program;
  float value = 0.0F;  // as in performance.h
};

class ChannelControls {
 public:
  // `morph_controller`: the controller that means ControlKind::morph, before anything else it may
  // mean; -1: none.
  explicit ChannelControls(int morph_controller = -1) : morph_controller_(morph_controller) {}

  // A control change, program change or pitch bend: status 0xB0, 0xC0 or 0xE0 plus the channel, data
  // bytes 0..127. Nothing for other messages, and for those that change nothing that is heard.
  std::optional<ChannelControl> message(unsigned status,
                                        int data1,
                                        int data2) noexcept ONDES_REALTIME;

 private:
  struct Channel {
    int bend = 0;  // -8192..8191
    float range_semitones = 2.0F;
    float range_cents = 0.0F;
    int rpn_msb = 127;  // 127, 127: none selected
    int rpn_lsb = 127;
  };

  static std::optional<ChannelControl> control_change(Channel& state,
                                                      int number,
                                                      int value) noexcept;
  static std::optional<ChannelControl> parameter_change(Channel& state,
                                                        int number,
                                                        int value) noexcept;
  static ChannelControl bend_of(const Channel& state) noexcept;

  int morph_controller_;
  std::array<Channel, 16> channels_{};
};

}  // namespace ondes
