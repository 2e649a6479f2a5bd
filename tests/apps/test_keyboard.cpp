#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "apps/play/keyboard.h"

using namespace ondes;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<LiveEvent> all_of(LiveLine& line) {
  std::vector<LiveEvent> events;
  while (const std::optional<LiveEvent> event = line.take()) {
    events.push_back(*event);
  }
  return events;
}

void play(Keyboard& keyboard, const std::vector<Bytes>& messages) {
  std::int64_t at_ns = 0;
  for (const Bytes& message : messages) {
    keyboard.midi(at_ns++, message);
  }
}

const SynthEvent* control_of(const std::vector<SynthEvent>& events, ControlKind kind, int channel) {
  for (const SynthEvent& event : events) {
    if (event.control == kind && event.channel == channel) {
      return &event;
    }
  }
  return nullptr;
}

float value_of(const std::vector<SynthEvent>& events, ControlKind kind) {
  const SynthEvent* const event = control_of(events, kind, 0);
  REQUIRE(event != nullptr);
  return event->value;
}

}  // namespace

TEST_CASE("keys, releases, controllers and programs become events with their stamps") {
  Keyboard keyboard(-1);
  const auto line = std::make_shared<LiveLine>();
  keyboard.add_line(line);
  play(keyboard,
       {{0x91, 60, 127}, {0x91, 60, 0}, {0x81, 62, 5}, {0xB1, 64, 127}, {0xC1, 73}, {0xE1, 0, 96}});
  const std::vector<LiveEvent> events = all_of(*line);
  REQUIRE(events.size() == 6);
  CHECK(events[0].event->kind == SynthEventKind::note_on);
  CHECK(events[0].event->channel == 1);
  CHECK(events[0].event->value == 1.0F);
  CHECK(events[1].event->kind == SynthEventKind::note_off);
  CHECK(events[2].event->kind == SynthEventKind::note_off);
  CHECK(events[3].event->control == ControlKind::sustain);
  CHECK(events[4].event->control == ControlKind::program);
  CHECK(events[4].event->value == 73.0F);
  CHECK(events[5].event->control == ControlKind::bend);
  CHECK(events[5].event->value == Approx(1.0F).margin(0.001));  // half of two semitones up
  CHECK(events[5].arrival_ns == 5);
}

TEST_CASE("drums are remembered and not played; what is no channel message is passed over") {
  Keyboard keyboard(-1);
  const auto line = std::make_shared<LiveLine>();
  keyboard.add_line(line);
  play(keyboard, {{0x99, 38, 100}, {0xF8}, {0xF0, 1, 2, 3, 0xF7}, {}, {60, 100}});
  const std::vector<LiveEvent> events = all_of(*line);
  REQUIRE(events.size() == 1);
  CHECK_FALSE(events[0].event.has_value());
}

TEST_CASE("a voice that is taken up later finds the controllers as they are") {
  Keyboard keyboard(1);  // the wheel morphs
  CHECK(keyboard.controls().empty());
  play(keyboard, {{0xC0, 40},
                  {0xB0, 7, 127},
                  {0xB0, 7, 0},
                  {0xB0, 1, 127},
                  {0xB3, 64, 127},
                  {0xE3, 0, 96},
                  {0xB3, 121, 0},  // channel 3 is reset: pedal and wheel are back
                  {0x90, 60, 100}});
  const std::vector<SynthEvent> controls = keyboard.controls();
  CHECK(control_of(controls, ControlKind::program, 0)->value == 40.0F);
  CHECK(control_of(controls, ControlKind::volume, 0)->value == 0.0F);
  CHECK(control_of(controls, ControlKind::morph, 0)->value == 1.0F);
  CHECK(control_of(controls, ControlKind::sustain, 3)->value == 0.0F);
  CHECK(control_of(controls, ControlKind::bend, 3)->value == 0.0F);
  CHECK(control_of(controls, ControlKind::program, 3) == nullptr);
}

TEST_CASE("every open line gets every event, a line that has ended gives its place away") {
  Keyboard keyboard(-1);
  std::vector<std::shared_ptr<LiveLine>> lines;
  for (std::size_t i = 0; i < Keyboard::kMaxLines; ++i) {
    lines.push_back(std::make_shared<LiveLine>());
    keyboard.add_line(lines.back());
  }
  play(keyboard, {{0x90, 60, 100}});
  for (const auto& line : lines) {
    CHECK(all_of(*line).size() == 1);
  }
  lines[3]->close();
  const auto next = std::make_shared<LiveLine>();
  keyboard.add_line(next);
  play(keyboard, {{0x80, 60, 0}});
  CHECK(all_of(*next).size() == 1);
  CHECK(all_of(*lines[0]).size() == 1);
  CHECK(all_of(*lines[3]).empty());
  // One more than there is room for: the oldest is silenced instead of left to hang.
  keyboard.add_line(std::make_shared<LiveLine>());
  int silenced = 0;
  for (const auto& line : lines) {
    silenced += static_cast<int>(line->take_panic());
  }
  CHECK(silenced == 1);
}

TEST_CASE("panic reaches every line") {
  Keyboard keyboard(-1);
  const auto first = std::make_shared<LiveLine>();
  const auto second = std::make_shared<LiveLine>();
  keyboard.add_line(first);
  keyboard.add_line(second);
  keyboard.panic();
  CHECK(first->take_panic());
  CHECK(second->take_panic());
  CHECK_FALSE(first->take_panic());
}

TEST_CASE("an event says to the older lines whether the newest one has it, too") {
  Keyboard keyboard(-1);
  const auto first = std::make_shared<LiveLine>();
  const auto second = std::make_shared<LiveLine>();
  keyboard.add_line(first);
  play(keyboard, {{0x90, 60, 100}});
  keyboard.add_line(second);
  play(keyboard, {{0x90, 64, 100}});
  CHECK_FALSE(first->take()->followed);
  CHECK(first->take()->followed);
  CHECK_FALSE(second->take()->followed);
  CHECK_FALSE(second->take());
  second->close();  // its voice could not be made: the first one goes on alone
  play(keyboard, {{0x90, 67, 100}});
  CHECK_FALSE(first->take()->followed);
}

TEST_CASE("after a panic a voice that is taken up later begins without sustain and bend") {
  Keyboard keyboard(-1);
  play(keyboard, {{0xB0, 64, 127}});
  play(keyboard, {{0xB0, 7, 64}});
  play(keyboard, {{0xE0, 0, 127}});
  REQUIRE(value_of(keyboard.controls(), ControlKind::sustain) == 1.0F);
  const float volume = value_of(keyboard.controls(), ControlKind::volume);
  keyboard.panic();
  CHECK(value_of(keyboard.controls(), ControlKind::sustain) == 0.0F);
  CHECK(value_of(keyboard.controls(), ControlKind::bend) == 0.0F);
  CHECK(value_of(keyboard.controls(), ControlKind::volume) == volume);
  // Another range (RPN 0) moves a bend that is in force; there is none any more.
  play(keyboard, {{0xB0, 101, 0}, {0xB0, 100, 0}, {0xB0, 6, 12}});
  CHECK(value_of(keyboard.controls(), ControlKind::bend) == 0.0F);
}

TEST_CASE(
    "after a loss a voice that is taken up later begins without pedals, as the source goes on") {
  Keyboard keyboard(-1);
  const auto line = std::make_shared<LiveLine>();
  keyboard.add_line(line);
  play(keyboard, {{0xB0, 64, 127}, {0xB2, 64, 127}, {0xB0, 7, 127}});
  for (int i = 3; i < LiveLine::kMaxEvents; ++i) {
    play(keyboard, {{0xD0, 1}});
  }
  REQUIRE(value_of(keyboard.controls(), ControlKind::sustain) == 1.0F);
  play(keyboard, {{0x80, 60, 0}});
  CHECK(line->lost_events() == 1);
  CHECK(value_of(keyboard.controls(), ControlKind::sustain) == 0.0F);
  CHECK(control_of(keyboard.controls(), ControlKind::sustain, 2)->value == 0.0F);
  CHECK(control_of(keyboard.controls(), ControlKind::sustain, 1) == nullptr);
  CHECK(value_of(keyboard.controls(), ControlKind::volume) == 1.0F);
  all_of(*line);
  play(keyboard, {{0xB2, 64, 127}});  // pressed again
  CHECK(control_of(keyboard.controls(), ControlKind::sustain, 2)->value == 1.0F);
}

TEST_CASE(
    "lines are let go when their sources have ended, and the oldest one when there are many") {
  Keyboard keyboard(-1);
  std::vector<std::shared_ptr<LiveLine>> lines;
  std::atomic<bool> playing{true};
  std::thread midi([&] {
    while (playing.load()) {
      play(keyboard, {{0xB0, 1, 64}});
    }
  });
  for (int voices = 0; voices < 200; ++voices) {
    auto line = std::make_shared<LiveLine>();
    keyboard.add_line(line);
    line->close();
  }
  CHECK(keyboard.lines() == 1);
  for (std::size_t i = 0; i < Keyboard::kMaxLines + 2; ++i) {
    lines.push_back(std::make_shared<LiveLine>());
    keyboard.add_line(lines.back());
    if (i == 2) {  // its place is free again: the first line is the oldest all the same
      lines[1]->close();
    }
  }
  CHECK(keyboard.lines() == Keyboard::kMaxLines);
  CHECK(lines[0]->take_panic());
  CHECK_FALSE(lines[2]->take_panic());
  CHECK(lines[1].use_count() == 1);
  playing = false;
  midi.join();
}
