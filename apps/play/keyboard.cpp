#include "apps/play/keyboard.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

namespace ondes {
namespace {

constexpr int kPercussionChannel = 9;
constexpr int kResetController = 121;

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
  if (panicked_.exchange(false)) {
    for (unsigned channel = 0; channel < kChannelCount; ++channel) {
      decoder_.message(0xB0U | channel, kResetController, 0);
    }
  }
  LiveEvent live;
  live.arrival_ns = arrival_ns;
  std::copy(bytes.begin(), bytes.end(), live.message.begin());
  live.event = meaning(live.message);
  if (live.event) {
    remember(*live.event);
  }
  send(live);
}

// A line that becomes the newest one meanwhile gets the next event; the one it follows gets this one
// as its own.
void Keyboard::send(const LiveEvent& live) noexcept {
  turns_.fetch_add(1);
  LiveLine* const newest = newest_.load();
  if (newest != nullptr && !newest->send(live)) {
    forget_pedals();
  }
  LiveEvent to_older = live;
  to_older.followed = newest != nullptr && !newest->closed();
  for (std::atomic<LiveLine*>& slot : older_) {
    LiveLine* const line = slot.load();
    if (line != nullptr && line != newest) {
      line->send(to_older);
    }
  }
  turns_.fetch_add(1);
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

void Keyboard::forget_pedals() noexcept {
  for (auto& channel : values_) {
    std::atomic<float>& pedal = channel[static_cast<std::size_t>(ControlKind::sustain)];
    if (pedal.load(std::memory_order_relaxed) > 0.0F) {  // not NaN: it was moved
      pedal.store(0.0F, std::memory_order_relaxed);
    }
  }
}

void Keyboard::add_line(std::shared_ptr<LiveLine> line) {
  for (std::size_t i = owned_.size(); i-- > 0;) {
    if (owned_[i]->closed()) {
      let_go(i);
    }
  }
  if (owned_.size() == kMaxLines) {
    owned_.front()->panic();
    let_go(0);
  }
  owned_.push_back(std::move(line));
  if (LiveLine* const before = newest_.load()) {
    const auto is_free = [](const std::atomic<LiveLine*>& slot) { return slot.load() == nullptr; };
    std::find_if(older_.begin(), older_.end(), is_free)->store(before);
  }
  newest_.store(owned_.back().get());
}

// The MIDI thread finds the line no more, or had found it in the turn that is waited for.
void Keyboard::let_go(std::size_t index) {
  LiveLine* line = owned_[index].get();
  for (std::atomic<LiveLine*>& slot : older_) {
    if (slot.load() == line) {
      slot.store(nullptr);
    }
  }
  newest_.compare_exchange_strong(line, nullptr);
  const std::uint64_t turn = turns_.load();
  while (turn % 2 == 1 && turns_.load() == turn) {
    std::this_thread::yield();
  }
  owned_.erase(owned_.begin() + static_cast<std::ptrdiff_t>(index));
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
  panicked_.store(true);
  for (std::size_t channel = 0; channel < kChannelCount; ++channel) {
    SynthEvent reset;
    reset.kind = SynthEventKind::control;
    reset.control = ControlKind::reset;
    reset.channel = static_cast<int>(channel);
    remember(reset);
  }
  for (const std::shared_ptr<LiveLine>& line : owned_) {
    line->panic();
  }
}

}  // namespace ondes
