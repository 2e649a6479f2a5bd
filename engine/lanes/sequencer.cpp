#include "engine/lanes/sequencer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr double kLongestS = 24.0 * 3600.0;

int order_at_a_sample(SynthEventKind kind) noexcept {
  switch (kind) {
    case SynthEventKind::note_off:
      return 0;
    case SynthEventKind::control:
      return 1;
    case SynthEventKind::note_on:
      break;
  }
  return 2;
}

}  // namespace

Sequencer::Sequencer(const Performance& performance, int sample_rate_hz) {
  if (!(performance.duration_s <= kLongestS)) {
    throw Error(ErrorCode::bad_input, "score: expected at most 24 h, found " +
                                          std::to_string(performance.duration_s / 3600.0) + " h");
  }
  const auto to_sample = [&](double time_s) -> std::int64_t {
    return std::llround(time_s * sample_rate_hz);
  };
  length_ = to_sample(performance.duration_s);
  events_.reserve(2 * performance.notes.size() + performance.controls.size());
  for (const PerformanceControl& control : performance.controls) {
    SynthEvent event;
    event.sample = to_sample(control.time_s);
    length_ = std::max(length_, event.sample);
    event.kind = SynthEventKind::control;
    event.control = control.kind;
    event.channel = control.channel;
    event.value = control.value;
    events_.push_back(event);
  }
  std::array<std::array<std::int64_t, 128>, 16> occurrences{};
  for (const PerformanceNote& note : performance.notes) {
    SynthEvent event;
    event.sample = to_sample(note.onset_s);
    event.channel = note.channel;
    event.key = note.key;
    event.value = static_cast<float>(note.velocity) / 127.0F;
    events_.push_back(event);
    event.kind = SynthEventKind::note_off;
    event.sample = std::max(event.sample + 1, to_sample(note.release_s));
    length_ = std::max(length_, to_sample(note.release_s));
    event.value = 0.0F;
    event.occurrence = occurrences[static_cast<std::size_t>(note.channel & 15)]
                                  [static_cast<std::size_t>(note.key & 127)]++;
    events_.push_back(event);
  }
  std::stable_sort(events_.begin(), events_.end(), [](const SynthEvent& a, const SynthEvent& b) {
    return a.sample != b.sample ? a.sample < b.sample
                                : order_at_a_sample(a.kind) < order_at_a_sample(b.kind);
  });
  lift_pedals(performance);
}

void Sequencer::lift_pedals(const Performance& performance) {
  std::array<bool, 16> down{};
  for (const PerformanceControl& control : performance.controls) {
    bool& pedal = down[static_cast<std::size_t>(control.channel & 15)];
    if (control.kind == ControlKind::sustain) {
      pedal = control.value >= 0.5F;
    } else if (control.kind == ControlKind::reset) {
      pedal = false;
    }
  }
  for (int channel = 0; channel < 16; ++channel) {
    if (down[static_cast<std::size_t>(channel)]) {
      SynthEvent event;
      event.sample = events_.empty() ? length_ : std::max(length_, events_.back().sample);
      event.kind = SynthEventKind::control;
      event.control = ControlKind::sustain;
      event.channel = channel;
      events_.push_back(event);
    }
  }
}

std::span<const SynthEvent> Sequencer::next(int samples) noexcept {
  const std::size_t first = next_;
  position_ += samples;
  while (next_ < events_.size() && events_[next_].sample < position_) {
    ++next_;
  }
  return std::span<const SynthEvent>(events_).subspan(first, next_ - first);
}

}  // namespace ondes
