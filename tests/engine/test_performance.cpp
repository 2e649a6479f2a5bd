// The MIDI rules (engine/score/performance.h): what a score means in notes, controls and seconds.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/score/midi_writer.h"
#include "engine/score/perform.h"

namespace {

using ondes::ControlKind;
using ondes::MidiEvent;
using ondes::MidiFile;
using ondes::Performance;

// Computed in double from a few operations; 1e-9 s is a 40,000th of a sample at 24 kHz.
Approx seconds(double value) {
  return Approx(value).margin(1e-9);
}

MidiEvent message(std::int64_t tick, int status, int data1, int data2 = 0) {
  return {.tick = tick,
          .status = static_cast<std::uint8_t>(status),
          .data1 = static_cast<std::uint8_t>(data1),
          .data2 = static_cast<std::uint8_t>(data2)};
}

MidiEvent tempo(std::int64_t tick, std::uint32_t us) {
  return {.tick = tick, .status = 0xFF, .data1 = 0x51, .tempo_us = us};
}

// 100 ticks a quarter: at the default tempo a tick is 5 ms.
MidiFile score(std::vector<std::vector<MidiEvent>> tracks, int format = 1) {
  MidiFile file;
  file.format = format;
  file.ticks_per_quarter = 100;
  for (std::vector<MidiEvent>& events : tracks) {
    const std::int64_t end = events.empty() ? 0 : events.back().tick;
    file.tracks.push_back({.name = "", .events = std::move(events), .end_tick = end});
  }
  return file;
}

Performance play(std::vector<MidiEvent> events) {
  return perform(score({std::move(events)}));
}

std::vector<float> values(const Performance& performance, ControlKind kind) {
  std::vector<float> found;
  for (const ondes::PerformanceControl& control : performance.controls) {
    if (control.kind == kind) {
      found.push_back(control.value);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("without a tempo event a quarter note lasts half a second") {
  const Performance p =
      play({message(100, 0x92, 60, 77), message(150, 0x82, 60, 33), message(400, 0x92, 61, 0)});
  REQUIRE(p.notes.size() == 1);
  CHECK(p.notes[0].onset_s == seconds(0.5));
  CHECK(p.notes[0].release_s == seconds(0.75));
  CHECK(p.notes[0].channel == 2);
  CHECK(p.notes[0].key == 60);
  CHECK(p.notes[0].velocity == 77);
  CHECK(p.notes[0].release_velocity == 33);
  CHECK(p.duration_s == seconds(2.0));
  CHECK(p.unmatched_note_offs == 1);
}

TEST_CASE("tempo changes of any track act on all tracks from their tick on") {
  // 0..100: 0.5 s a quarter; 100..200: 1 s; from 200: 0.25 s (the later of two at one tick).
  const Performance p =
      perform(score({{message(50, 0x90, 60, 64), message(150, 0x80, 60), message(300, 0x90, 61, 64),
                      message(400, 0x80, 61)},
                     {tempo(100, 1'000'000), tempo(200, 2'000'000), tempo(200, 250'000)}}));
  REQUIRE(p.notes.size() == 2);
  CHECK(p.notes[0].onset_s == seconds(0.25));
  CHECK(p.notes[0].release_s == seconds(1.0));
  CHECK(p.notes[1].onset_s == seconds(1.75));
  CHECK(p.notes[1].release_s == seconds(2.0));
}

TEST_CASE("an SMPTE division counts seconds and ignores tempo") {
  MidiFile file =
      score({{tempo(0, 2'000'000), message(500, 0x90, 60, 64), message(750, 0x80, 60)}});
  file.ticks_per_quarter = 0;
  file.ticks_per_second = 1000.0;
  const Performance p = perform(file);
  CHECK(p.notes.at(0).onset_s == seconds(0.5));
  CHECK(p.notes.at(0).release_s == seconds(0.75));
}

TEST_CASE("the tracks of format 2 follow one another, each from the default tempo on") {
  const std::vector<MidiEvent> slow = {tempo(0, 1'000'000), message(0, 0x90, 60, 64),
                                       message(100, 0x80, 60)};
  const std::vector<MidiEvent> plain = {message(0, 0x90, 62, 64), message(100, 0x80, 62)};
  const Performance p = perform(score({slow, plain}, 2));
  REQUIRE(p.notes.size() == 2);
  CHECK(p.notes[1].onset_s == seconds(1.0));
  CHECK(p.notes[1].release_s == seconds(1.5));
  CHECK(p.notes[1].track == 1);
  CHECK(p.duration_s == seconds(1.5));
  CHECK(p.max_polyphony == 1);
}

TEST_CASE("a note-off ends the oldest note of its channel and key, from whichever track") {
  const Performance p = perform(
      score({{message(0, 0x90, 60, 10), message(20, 0x90, 60, 20), message(40, 0x91, 60, 30)},
             {message(60, 0x90, 60, 0), message(80, 0x80, 60, 5), message(100, 0x81, 60)}}));
  REQUIRE(p.notes.size() == 3);
  CHECK(p.notes[0].velocity == 10);
  CHECK(p.notes[0].release_s == seconds(0.3));
  CHECK(p.notes[0].release_velocity == 64);  // a note-on of velocity 0 carries none
  CHECK(p.notes[1].release_s == seconds(0.4));
  CHECK(p.notes[1].release_velocity == 5);
  CHECK(p.notes[2].release_s == seconds(0.5));
  CHECK(p.max_polyphony == 3);
  CHECK(p.hanging_notes == 0);
}

TEST_CASE("hanging notes end with their own track") {
  const Performance p = perform(score({{message(0, 0x90, 60, 10), message(100, 0xC0, 1)},
                                       {message(0, 0x91, 60, 10), message(200, 0xC1, 1)}}));
  CHECK(p.hanging_notes == 2);
  CHECK(p.notes.at(0).release_s == seconds(0.5));
  CHECK(p.notes.at(1).release_s == seconds(1.0));
}

TEST_CASE("notes are sorted by onset, ties in the order of the file") {
  const Performance p = perform(score({{message(50, 0x90, 1, 64), message(50, 0x90, 2, 64)},
                                       {message(10, 0x90, 3, 64), message(50, 0x90, 4, 64)}}));
  REQUIRE(p.notes.size() == 4);
  const std::vector<int> keys = {p.notes[0].key, p.notes[1].key, p.notes[2].key, p.notes[3].key};
  CHECK(keys == std::vector<int>{3, 1, 2, 4});
}

TEST_CASE("a key lifted at the instant another goes down is not counted with it") {
  CHECK(play({message(0, 0x90, 60, 1), message(10, 0x80, 60), message(10, 0x90, 61, 1),
              message(20, 0x80, 61)})
            .max_polyphony == 1);
  CHECK(play({message(5, 0x90, 60, 1), message(5, 0x80, 60)}).max_polyphony == 1);
  CHECK(play({}).max_polyphony == 0);
}

TEST_CASE("channel 10 is counted and left out with its controls") {
  const Performance p =
      play({message(0, 0xC9, 5), message(0, 0x99, 36, 90), message(5, 0x99, 36, 0),
            message(6, 0x99, 38, 90), message(9, 0x89, 38)});
  CHECK(p.notes.empty());
  CHECK(p.controls.empty());
  CHECK(p.percussion_notes == 2);
  CHECK(p.unmatched_note_offs == 0);
}

TEST_CASE("controllers come out in the units of performance.h") {
  const Performance p =
      play({message(0, 0xC3, 40), message(0, 0xB3, 7, 127), message(0, 0xB3, 7, 0),
            message(0, 0xB3, 11, 127), message(0, 0xB3, 1, 127), message(10, 0xB3, 10, 0),
            message(10, 0xB3, 10, 64), message(10, 0xB3, 10, 127), message(20, 0xB3, 64, 63),
            message(20, 0xB3, 64, 64), message(20, 0xB3, 74, 1), message(30, 0xB3, 121, 0)});
  CHECK(p.controls.size() == 11);  // controller 74 is none of ours
  CHECK(values(p, ControlKind::program) == std::vector<float>{40.0F});
  CHECK(values(p, ControlKind::volume) == std::vector<float>{1.0F, 0.0F});
  CHECK(values(p, ControlKind::expression) == std::vector<float>{1.0F});
  CHECK(values(p, ControlKind::modulation) == std::vector<float>{1.0F});
  CHECK(values(p, ControlKind::pan) == std::vector<float>{-1.0F, 0.0F, 1.0F});
  const std::vector<float> sustain = values(p, ControlKind::sustain);
  REQUIRE(sustain.size() == 2);
  CHECK(sustain[0] < 0.5F);
  CHECK(sustain[1] >= 0.5F);
  CHECK(values(p, ControlKind::reset).size() == 1);
  CHECK(p.controls.back().time_s == seconds(0.15));
  CHECK(p.controls.back().channel == 3);
}

TEST_CASE("all notes off and all sound off lift every key of their channel only") {
  for (const int number : {120, 123, 126}) {
    CAPTURE(number);
    const Performance p =
        play({message(0, 0x90, 60, 9), message(0, 0x90, 127, 9), message(0, 0x91, 60, 9),
              message(100, 0xB0, number, 0), message(200, 0x80, 60), message(200, 0x81, 60)});
    REQUIRE(p.notes.size() == 3);
    CHECK(p.notes[0].release_s == seconds(0.5));
    CHECK(p.notes[1].release_s == seconds(0.5));
    CHECK(p.notes[2].release_s == seconds(1.0));
    CHECK(p.unmatched_note_offs == 1);
    CHECK(p.hanging_notes == 0);
    const ControlKind kind =
        number == 120 ? ControlKind::all_sound_off : ControlKind::all_notes_off;
    CHECK(values(p, kind).size() == 1);
  }
}

TEST_CASE("a bend is two semitones each way until RPN 0 says otherwise") {
  const Performance p = play({message(0, 0xE0, 0, 0), message(0, 0xE0, 0, 64),
                              message(0, 0xE0, 0, 96), message(0, 0xE0, 127, 127)});
  const std::vector<float> bends = values(p, ControlKind::bend);
  REQUIRE(bends.size() == 4);
  CHECK(bends[0] == -2.0F);
  CHECK(bends[1] == 0.0F);
  CHECK(bends[2] == 1.0F);
  CHECK(bends[3] == 2.0F * 8191.0F / 8192.0F);
}

TEST_CASE("RPN 0 sets the bend range in semitones and cents, for its channel only") {
  const Performance p =
      play({message(0, 0xB0, 101, 0), message(0, 0xB0, 100, 0), message(0, 0xB0, 6, 12),
            message(0, 0xE0, 0, 96),   // half of 12
            message(0, 0xB0, 38, 50),  // 12.5: the bend in force moves
            message(0, 0xE1, 0, 96),   // another channel: half of 2
            message(0, 0xB0, 6, 24),   // cents back to 0: half of 24
            message(0, 0xB0, 101, 127), message(0, 0xB0, 100, 127),  // null
            message(0, 0xB0, 6, 1), message(0, 0xE0, 0, 96)});       // still half of 24
  CHECK(values(p, ControlKind::bend) == std::vector<float>{6.0F, 6.25F, 1.0F, 12.0F, 12.0F});
}

TEST_CASE("data entry for other parameters leaves the bend range alone") {
  for (const int select : {98, 99}) {  // NRPN
    const Performance p =
        play({message(0, 0xB0, 101, 0), message(0, 0xB0, 100, 0), message(0, 0xB0, select, 0),
              message(0, 0xB0, 6, 12), message(0, 0xE0, 0, 96)});
    CHECK(values(p, ControlKind::bend) == std::vector<float>{1.0F});
  }
  const Performance tuning = play({message(0, 0xB0, 101, 0), message(0, 0xB0, 100, 2),
                                   message(0, 0xB0, 6, 70), message(0, 0xE0, 0, 96)});
  CHECK(values(tuning, ControlKind::bend) == std::vector<float>{1.0F});
}

TEST_CASE("reset all controllers unselects the RPN and keeps the bend range") {
  const Performance p =
      play({message(0, 0xB0, 101, 0), message(0, 0xB0, 100, 0), message(0, 0xB0, 6, 4),
            message(0, 0xE0, 0, 96), message(0, 0xB0, 121, 0), message(0, 0xB0, 6, 12),
            message(0, 0xE0, 0, 96)});
  CHECK(values(p, ControlKind::bend) == std::vector<float>{2.0F, 2.0F});
}

TEST_CASE("a score of more than a day is refused, also by way of slow tempi") {
  CHECK_NOTHROW(play({message(100 * 2 * 86000, 0xC0, 1)}));
  CHECK_THROWS_AS(play({message(100 * 2 * 87000, 0xC0, 1)}), ondes::Error);
  CHECK_THROWS_AS(play({tempo(0, 0xFFFFFF), message(100 * 6000, 0xC0, 1)}), ondes::Error);
}

TEST_CASE("a file without a division is refused, whoever made it") {
  CHECK_THROWS_AS(perform(MidiFile{}), ondes::Error);
}

TEST_CASE("what the writer writes is what the reader performs") {
  ondes::MidiWriter writer(480, "Sketch");
  writer.tempo(0, 120.0);
  writer.tempo(960, 60.0);
  const int upper = writer.add_track("Upper");
  const int lower = writer.add_track("Lower");
  writer.note(lower, 480, 480, 1, 48, 50);
  writer.program(lower, 0, 1, 42);
  writer.note(upper, 960, 480, 0, 72, 90);  // the same key twice, out of order:
  writer.note(upper, 480, 480, 0, 72, 80);  // its note-off must come before the note-on of above
  writer.bend_range(upper, 0, 0, 5);
  writer.bend(upper, 960, 0, -8192);
  const std::vector<std::byte> bytes = writer.bytes();
  const Performance p = perform(ondes::parse_midi(bytes, "written"));
  CHECK(p.title == "Sketch");
  REQUIRE(p.notes.size() == 3);
  CHECK(p.notes[0].key == 72);
  CHECK(p.notes[0].onset_s == seconds(0.5));
  CHECK(p.notes[0].release_s == seconds(1.0));
  CHECK(p.notes[1].key == 48);
  CHECK(p.notes[1].velocity == 50);
  CHECK(p.notes[2].velocity == 90);
  CHECK(p.notes[2].release_s == seconds(2.0));
  CHECK(p.max_polyphony == 2);
  CHECK(values(p, ControlKind::program) == std::vector<float>{42.0F});
  CHECK(values(p, ControlKind::bend) == std::vector<float>{-5.0F});
  CHECK(p.hanging_notes + p.unmatched_note_offs == 0);
}

TEST_CASE("the writer refuses what a MIDI file cannot hold") {
  ondes::MidiWriter writer;
  const int track = writer.add_track("");
  CHECK_THROWS_AS(writer.note(track, 0, 10, 16, 60, 64), ondes::Error);
  CHECK_THROWS_AS(writer.note(track, 0, 10, 0, 128, 64), ondes::Error);
  CHECK_THROWS_AS(writer.note(track, 0, 10, 0, 60, 0), ondes::Error);
  CHECK_THROWS_AS(writer.note(track, -1, 10, 0, 60, 64), ondes::Error);
  CHECK_THROWS_AS(writer.note(track + 1, 0, 10, 0, 60, 64), ondes::Error);
  CHECK_THROWS_AS(writer.bend(track, 0, 0, 8192), ondes::Error);
  CHECK_THROWS_AS(writer.tempo(0, 0.0), ondes::Error);
  CHECK_THROWS_AS(ondes::MidiWriter(0), ondes::Error);
  writer.control(track, std::int64_t{1} << 28, 0, 7, 1);
  CHECK_THROWS_AS(writer.bytes(), ondes::Error);
}

TEST_CASE("the sample scores perform cleanly, the demo with four to eight notes at once") {
  const std::string folder = std::string(ONDES_SOURCE_DIR) + "/samples/scores/";
  for (const char* name : {"demo.mid", "scale_all.mid", "bends.mid"}) {
    CAPTURE(name);
    const Performance p = ondes::read_performance(folder + name);
    CHECK(p.hanging_notes + p.unmatched_note_offs + p.percussion_notes == 0);
    CHECK_FALSE(p.title.empty());
    CHECK_FALSE(p.notes.empty());
  }
  const Performance demo = ondes::read_performance(folder + "demo.mid");
  CHECK(demo.duration_s > 25.0);
  CHECK(demo.duration_s < 35.0);
  CHECK(demo.max_polyphony >= 4);
  CHECK(demo.max_polyphony <= 8);
  // The octave glide of bends.mid goes through RPN 0.
  const std::vector<float> wheel =
      values(ondes::read_performance(folder + "bends.mid"), ControlKind::bend);
  CHECK(*std::max_element(wheel.begin(), wheel.end()) == 12.0F * 8191.0F / 8192.0F);
}
