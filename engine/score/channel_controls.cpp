#include "engine/score/channel_controls.h"

#include <algorithm>

namespace ondes {

std::optional<ChannelControl> ChannelControls::message(unsigned status,
                                                       int data1,
                                                       int data2) noexcept {
  Channel& state = channels_[status & 0x0FU];
  switch (status & 0xF0U) {
    case 0xB0U:
      if (data1 == morph_controller_) {
        return ChannelControl{ControlKind::morph, static_cast<float>(data2) / 127.0F};
      }
      return control_change(state, data1, data2);
    case 0xC0U:
      return ChannelControl{ControlKind::program, static_cast<float>(data1)};
    case 0xE0U:
      state.bend = (data2 << 7 | data1) - 8192;
      return bend_of(state);
    default:
      return std::nullopt;
  }
}

std::optional<ChannelControl> ChannelControls::control_change(Channel& state,
                                                              int number,
                                                              int value) noexcept {
  const float unit = static_cast<float>(value) / 127.0F;
  switch (number) {
    case 1:
      return ChannelControl{ControlKind::modulation, unit};
    case 7:
      return ChannelControl{ControlKind::volume, unit};
    case 10:
      return ChannelControl{ControlKind::pan,
                            std::max(-1.0F, static_cast<float>(value - 64) / 63.0F)};
    case 11:
      return ChannelControl{ControlKind::expression, unit};
    case 64:
      return ChannelControl{ControlKind::sustain, unit};
    case 120:
      return ChannelControl{ControlKind::all_sound_off, 0.0F};
    case 121:
      state.bend = 0;
      state.rpn_msb = state.rpn_lsb = 127;
      return ChannelControl{ControlKind::reset, 0.0F};
    case 123:
    case 124:  // omni off, omni on, mono on and poly on are also all notes off (MIDI 1.0)
    case 125:
    case 126:
    case 127:
      return ChannelControl{ControlKind::all_notes_off, 0.0F};
    default:
      return parameter_change(state, number, value);
  }
}

// Registered parameters; only number 0, the bend range, is kept.
std::optional<ChannelControl> ChannelControls::parameter_change(Channel& state,
                                                                int number,
                                                                int value) noexcept {
  const bool bend_range_selected = state.rpn_msb == 0 && state.rpn_lsb == 0;
  if (number == 101) {
    state.rpn_msb = value;
  } else if (number == 100) {
    state.rpn_lsb = value;
  } else if (number == 98 || number == 99) {  // a non-registered number takes data entry away
    state.rpn_msb = state.rpn_lsb = 127;
  } else if (number == 6 && bend_range_selected) {
    state.range_semitones = static_cast<float>(value);
    state.range_cents = 0.0F;
  } else if (number == 38 && bend_range_selected) {
    state.range_cents = static_cast<float>(value);
  } else {
    return std::nullopt;
  }
  // A new range moves a bend that is in force.
  return (number == 6 || number == 38) && state.bend != 0 ? std::optional(bend_of(state))
                                                          : std::nullopt;
}

ChannelControl ChannelControls::bend_of(const Channel& state) noexcept {
  const float range = state.range_semitones + state.range_cents / 100.0F;
  return {ControlKind::bend, static_cast<float>(state.bend) / 8192.0F * range};
}

}  // namespace ondes
