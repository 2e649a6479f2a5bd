#include "apps/play/keyboard.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace ondes {
namespace {

constexpr int kPercussionChannel = 9;

}  // namespace

Keyboard::Keyboard(int morph_controller) : decoder_(morph_controller) {
  for (auto& channel : values_) {
    for (std::atomic<float>& value : channel) {
      value.store(std::numeric_limits<float>::quiet_NaN());
    }
  }
}

void Keyboard::midi(std::int64_t arrival_ns, std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty() || bytes.size() > 3 || bytes[0] < 0x80U || bytes[0] >= 0xF0U) {
    return;
  }
  LiveEvent live;
  live.arrival_ns = arrival_ns;
  std::copy(bytes.begin(), bytes.end(), live.message.begin());
  live.event = meaning(live.message);
  if (live.event) {
    remember(*live.event);
  }
  for (std::atomic<LiveLine*>& slot : lines_) {
    if (LiveLine* line = slot.load(std::memory_order_acquire)) {
      line->send(live);
    }
  }
}

std::optional<SynthEvent> Keyboard::meaning(const MidiMessage& message) noexcept {
  const int data1 = message[1] & 0x7F;
  const int data2 = message[2] & 0x7F;
  const unsigned kind = message[0] & 0xF0U;
  SynthEvent event;
  event.channel = message[0] & 0x0F;
  event.key = data1;
  if (event.channel == kPercussionChannel) {
    return std::nullopt;
  }
  if (kind == 0x90U && data2 > 0) {
    event.value = static_cast<float>(data2) / 127.0F;
    return event;
  }
  if (kind == 0x80U || kind == 0x90U) {
    event.kind = SynthEventKind::note_off;
    return event;
  }
  const std::optional<ChannelControl> control = decoder_.message(message[0], data1, data2);
  if (!control) {
    return std::nullopt;
  }
  event.kind = SynthEventKind::control;
  event.control = control->kind;
  event.value = control->value;
  return event;
}

void Keyboard::remember(const SynthEvent& event) noexcept {
  if (event.kind != SynthEventKind::control) {
    return;
  }
  auto& values = values_[static_cast<std::size_t>(event.channel)];
  const auto set = [&](ControlKind kind, float value) {
    values[static_cast<std::size_t>(kind)].store(value, std::memory_order_relaxed);
  };
  if (event.control == ControlKind::reset) {
    set(ControlKind::sustain, 0.0F);
    set(ControlKind::modulation, 0.0F);
    set(ControlKind::bend, 0.0F);
    set(ControlKind::expression, 1.0F);
  } else if (static_cast<std::size_t>(event.control) < kKinds) {
    set(event.control, event.value);
  }
}

void Keyboard::add_line(std::shared_ptr<LiveLine> line) {
  // A free place, or one whose source has ended; else that of the oldest line.
  std::atomic<LiveLine*>* place = nullptr;
  for (std::atomic<LiveLine*>& slot : lines_) {
    const LiveLine* taken = slot.load();
    if (taken == nullptr || taken->closed()) {
      place = &slot;
      break;
    }
  }
  if (place == nullptr) {
    place = &lines_[(owned_.size()) % kMaxLines];
    place->load()->panic();
  }
  owned_.push_back(std::move(line));
  place->store(owned_.back().get(), std::memory_order_release);
}

std::vector<SynthEvent> Keyboard::controls() const {
  std::vector<SynthEvent> events;
  for (std::size_t channel = 0; channel < kChannelCount; ++channel) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const float value = values_[channel][kind].load(std::memory_order_relaxed);
      if (!std::isnan(value)) {
        SynthEvent event;
        event.kind = SynthEventKind::control;
        event.control = static_cast<ControlKind>(kind);
        event.channel = static_cast<int>(channel);
        event.value = value;
        events.push_back(event);
      }
    }
  }
  return events;
}

void Keyboard::panic() noexcept {
  for (std::atomic<LiveLine*>& slot : lines_) {
    if (LiveLine* line = slot.load()) {
      line->panic();
    }
  }
}

}  // namespace ondes
