// What parse_midi accepts and refuses, on files written here byte by byte.
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/score/midi_file.h"
#include "engine/score/perform.h"

namespace {

using ondes::MidiFile;
using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes tag(const std::string& text) {
  return {text.begin(), text.end()};
}

Bytes u32(std::uint32_t v) {
  return {static_cast<std::uint8_t>(v >> 24), static_cast<std::uint8_t>(v >> 16),
          static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)};
}

Bytes u32_little(std::uint32_t v) {
  const Bytes big = u32(v);
  return {big.rbegin(), big.rend()};
}

Bytes header(std::uint8_t format,
             std::uint8_t tracks,
             std::uint8_t division_high = 0,
             std::uint8_t division_low = 96) {
  return tag("MThd") + u32(6) + Bytes{0, format, 0, tracks, division_high, division_low};
}

Bytes chunk(const std::string& name, const Bytes& body) {
  return tag(name) + u32(static_cast<std::uint32_t>(body.size())) + body;
}

Bytes track(const Bytes& events) {
  return chunk("MTrk", events);
}

const Bytes kEnd = {0x00, 0xFF, 0x2F, 0x00};
const Bytes kNote = {0x00, 0x90, 60, 100, 0x60, 0x80, 60, 64};

MidiFile parse(const Bytes& bytes) {
  return ondes::parse_midi(std::as_bytes(std::span(bytes)), "score.mid");
}

// The message of the one error that parsing gives; "" if it gives none.
std::string refusal(const Bytes& bytes) {
  try {
    parse(bytes);
  } catch (const ondes::Error& error) {
    CHECK(error.code() == ondes::ErrorCode::bad_input);
    return error.what();
  }
  return "";
}

void check_refused(const Bytes& bytes, std::size_t offset, const std::string& reason) {
  const std::string message = refusal(bytes);
  CAPTURE(message);
  CHECK(message.find("score.mid: byte " + std::to_string(offset) + ": ") == 0);
  CHECK(message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("a one-track file gives its events with absolute ticks") {
  const MidiFile file = parse(header(0, 1) + track(kNote + kEnd));
  CHECK(file.format == 0);
  CHECK(file.ticks_per_quarter == 96);
  REQUIRE(file.tracks.size() == 1);
  REQUIRE(file.tracks[0].events.size() == 2);
  CHECK(file.tracks[0].events[0].tick == 0);
  CHECK(file.tracks[0].events[0].status == 0x90);
  CHECK(file.tracks[0].events[0].data1 == 60);
  CHECK(file.tracks[0].events[0].data2 == 100);
  CHECK(file.tracks[0].events[1].tick == 96);
  CHECK(file.tracks[0].events[1].status == 0x80);
  CHECK(file.tracks[0].end_tick == 96);
}

TEST_CASE("delta times of one to four bytes are read, five are refused") {
  const Bytes event = {0xC0, 5};
  const auto end_tick = [&](const Bytes& delta) {
    return parse(header(0, 1) + track(delta + event + kEnd)).tracks[0].end_tick;
  };
  CHECK(end_tick({0x7F}) == 127);
  CHECK(end_tick({0x81, 0x00}) == 128);
  CHECK(end_tick({0xC0, 0x80, 0x00}) == 1048576);
  CHECK(end_tick({0xFF, 0xFF, 0xFF, 0x7F}) == 268435455);
  check_refused(header(0, 1) + track(Bytes{0x81, 0x80, 0x80, 0x80, 0x00} + event + kEnd), 22,
                "a delta time is longer than four bytes");
}

TEST_CASE("running status repeats channel messages, across meta events too") {
  const Bytes events = {0x00, 0x93, 60,   100, 0x10, 62,  101,  // running
                        0x00, 0xFF, 0x01, 2,   'h',  'i',       // a text between
                        0x10, 64,   102};
  const MidiFile file = parse(header(0, 1) + track(events + kEnd));
  REQUIRE(file.tracks[0].events.size() == 3);
  for (const ondes::MidiEvent& event : file.tracks[0].events) {
    CHECK(event.status == 0x93);
  }
  CHECK(file.tracks[0].events[2].tick == 32);
  CHECK(file.tracks[0].events[2].data1 == 64);
}

TEST_CASE("SysEx of both kinds is skipped and ends running status") {
  const Bytes sysex = {0x00, 0x90, 60, 100, 0x00, 0xF0, 3, 0x43, 0x12, 0xF7, 0x00, 0xF7, 1, 0xF8};
  const MidiFile file = parse(header(0, 1) + track(sysex + Bytes{0x05, 0x80, 60, 0} + kEnd));
  REQUIRE(file.tracks[0].events.size() == 2);
  CHECK(file.tracks[0].events[1].tick == 5);
  check_refused(header(0, 1) + track(sysex + Bytes{0x05, 60, 0} + kEnd), 22 + 15,
                "no running status");
}

TEST_CASE("aftertouch is checked and left out, other channel messages are kept") {
  const Bytes events = {0, 0xA0, 60, 1, 0, 0xD0, 2, 0, 0xB0, 7, 99, 0, 0xC0, 3, 0, 0xE0, 0, 64};
  const MidiFile file = parse(header(0, 1) + track(events + kEnd));
  REQUIRE(file.tracks[0].events.size() == 3);
  CHECK(file.tracks[0].events[0].status == 0xB0);
  CHECK(file.tracks[0].events[1].status == 0xC0);
  CHECK(file.tracks[0].events[2].status == 0xE0);
}

TEST_CASE("meta events give tempo, name and end of track; the rest of the chunk is ignored") {
  const Bytes events = {0, 0xFF, 0x03, 4, 'L',  'e',  0xE9, 7,  // Latin-1 and a control character
                        0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20,     // 500000
                        9, 0xFF, 0x58, 4, 4,    2,    24,   8};
  const MidiFile file = parse(header(0, 1) + track(events + kEnd + Bytes{0xFF, 0xFF, 0xFF}));
  CHECK(file.tracks[0].name == "Le\xC3\xA9");
  REQUIRE(file.tracks[0].events.size() == 1);
  CHECK(file.tracks[0].events[0].status == 0xFF);
  CHECK(file.tracks[0].events[0].tempo_us == 500000);
  CHECK(file.tracks[0].end_tick == 9);
}

TEST_CASE("a UTF-8 name stays as it is, a long one is cut between characters") {
  const auto name_of = [](const std::string& text) {
    Bytes event = {0, 0xFF, 0x03};
    const auto size = static_cast<std::uint8_t>(text.size() & 0x7FU);
    event = event + (text.size() < 128
                         ? Bytes{size}
                         : Bytes{static_cast<std::uint8_t>(0x80U | (text.size() >> 7)), size});
    return parse(header(0, 1) + track(event + tag(text) + kEnd)).tracks[0].name;
  };
  CHECK(name_of("\xE4\xB8\xAD ond\xC3\xA9") == "\xE4\xB8\xAD ond\xC3\xA9");
  std::string text;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    text += "\xE4\xB8\xAD";
    expected += i < 85 ? "\xE4\xB8\xAD" : "";  // 85 * 3 = 255 of the 256 bytes
  }
  CHECK(name_of(text) == expected);
}

TEST_CASE("SMPTE divisions give ticks a second, 29 means 29.97 frames") {
  const auto rate = [](std::uint8_t frames, std::uint8_t ticks) {
    const MidiFile file =
        parse(header(0, 1, static_cast<std::uint8_t>(256 - frames), ticks) + track(kEnd));
    CHECK(file.ticks_per_quarter == 0);
    return file.ticks_per_second;
  };
  CHECK(rate(25, 40) == 1000.0);
  CHECK(rate(24, 80) == 1920.0);
  CHECK(rate(30, 4) == 120.0);
  CHECK(rate(29, 100) == Approx(2997.003).epsilon(1e-6));  // 30000 / 1001 * 100
  check_refused(header(0, 1, 256 - 26, 40) + track(kEnd), 12, "found 26 and 40");
  check_refused(header(0, 1, 256 - 25, 0) + track(kEnd), 12, "at least 1 tick a frame");
}

TEST_CASE(
    "formats 1 and 2, unknown chunks, long headers, missing ends and trailing junk are read") {
  const Bytes longer = tag("MThd") + u32(8) + Bytes{0, 1, 0, 2, 0, 96, 1, 2};
  const MidiFile file = parse(longer + chunk("XFIH", {1, 2, 3}) + track(kNote) + track(kEnd) +
                              tag("junk after the last track"));
  CHECK(file.format == 1);
  REQUIRE(file.tracks.size() == 2);
  CHECK(file.tracks[0].events.size() == 2);
  CHECK(file.tracks[0].end_tick == 96);
  CHECK(parse(header(2, 2) + track(kNote) + track(kNote)).tracks.size() == 2);
  CHECK(parse(header(0, 2) + track(kNote) + track(kNote)).tracks.size() == 2);
}

TEST_CASE("a RIFF RMID wrapper is taken off, and its lengths are not trusted") {
  const Bytes score = header(0, 1) + track(kNote + kEnd);
  const auto size = static_cast<std::uint32_t>(score.size());
  const Bytes wrapped = tag("RIFF") + u32_little(0xFFFFFFFF) + tag("RMID") + tag("DISP") +
                        u32_little(3) + Bytes{1, 2, 3, 0} + tag("data");
  CHECK(parse(wrapped + u32_little(size) + score).tracks[0].events.size() == 2);
  check_refused(wrapped + u32_little(size + 1) + score, wrapped.size() + 4, "needs");
  check_refused(tag("RIFF") + u32_little(4) + tag("WAVE"), 0, "not of form RMID");
  check_refused(tag("RIFF") + u32_little(4) + tag("RMID"), 12, "without a chunk \"data\"");
  // Offsets are those of the whole file: the note-on's velocity is the 25th byte of the score.
  Bytes bad = score;
  bad[25] = 0x85;
  check_refused(wrapped + u32_little(size) + bad, wrapped.size() + 4 + 25, "found 0x85");
}

TEST_CASE("malformed headers are refused with the offset of the field") {
  check_refused({}, 0, "empty");
  check_refused(tag("MThx") + u32(6), 0, "MThd");
  check_refused(tag("MT"), 0, "MThd");
  check_refused(tag("MThd") + u32(5) + Bytes{0, 0, 0, 1, 0}, 4, "at least 6");
  check_refused(tag("MThd") + u32(6) + Bytes{0, 0}, 8, "needs 6 bytes, only 2");
  check_refused(tag("MThd") + u32(0xFFFFFFFF) + Bytes(100, 0), 8, "needs 4294967295 bytes");
  check_refused(header(3, 1) + track(kEnd), 8, "found 3");
  check_refused(header(1, 0), 10, "no tracks");
  check_refused(header(1, 1, 0, 0) + track(kEnd), 12, "division of 0");
}

TEST_CASE("malformed tracks are refused with the offset of the byte") {
  const Bytes start = header(0, 1);  // 14 bytes, events from byte 22 on
  check_refused(start, 14, "the file ends after 0");
  check_refused(header(1, 2) + track(kEnd), 26, "promises 2 tracks, the file ends after 1");
  check_refused(start + tag("MTrk") + u32(0xFFFFFFFF) + kEnd, 22, "needs 4294967295 bytes, only 4");
  check_refused(start + tag("MTrk") + u32(100) + kNote, 22, "track 1 needs 100 bytes, only 8");
  check_refused(start + tag("MT"), 14, "a chunk tag");
  check_refused(start + tag("Skip") + u32(0xFFFFFFFF), 22, "unknown kind");
  check_refused(start + track({0x00}), 23, "an event");
  check_refused(start + track({0x81}), 23, "a delta time");
  check_refused(start + track({0x00, 60, 100}), 23, "no running status");
  check_refused(start + track({0x00, 0x90, 60}), 25, "a data byte");
  check_refused(start + track({0x00, 0x90, 0xBC, 100}), 24, "found 0xBC");
  check_refused(start + track({0x00, 0x90, 60, 0x80}), 25, "found 0x80");
  check_refused(start + track({0x00, 0xF4}), 23, "0xF4 has no place");
  check_refused(start + track({0x00, 0xFF, 0x01, 9, 'x'}), 26, "of type 0x01 needs 9");
  check_refused(start + track({0x00, 0xFF, 0x51, 2, 1, 1}), 26, "a tempo");
  check_refused(start + track({0x00, 0xFF, 0x51, 3, 0, 0, 0}), 23, "tempo of 0");
  check_refused(start + track({0x00, 0xF0, 0xFF, 0xFF, 0xFF, 0x7F, 1}), 28, "needs 268435455");
}

TEST_CASE("every truncation of a good file is refused, and none reads past its end") {
  const Bytes whole = header(1, 2) + track(kNote + Bytes{0, 0xF0, 2, 1, 0xF7} + kEnd) +
                      track(Bytes{0, 0xFF, 0x51, 3, 7, 0xA1, 0x20} + kNote + kEnd);
  CHECK(refusal(whole).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    // A copy of its own, so that the address sanitizer sees the first byte too many.
    CHECK_FALSE(
        refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).empty());
  }
}

TEST_CASE("more events than the limit are refused, so that memory stays bounded") {
  Bytes events = {0x00, 0x90};
  events.reserve(3 * ondes::kMaxMidiEvents + 16);
  for (std::size_t i = 0; i < ondes::kMaxMidiEvents + 1; ++i) {
    if (i > 0) {
      events.push_back(0x00);
    }
    events.push_back(60);
    events.push_back(static_cast<std::uint8_t>(i & 1U));
  }
  CHECK(refusal(header(0, 1) + track(events)).find("more than 4000000 events") !=
        std::string::npos);
  events.resize(events.size() - 3);
  CHECK(refusal(header(0, 1) + track(events)).empty());
}

TEST_CASE("a missing file, a folder and an oversized file are reading errors that name the path") {
  const auto refused = [](const std::string& path, const std::string& reason) {
    try {
      ondes::read_performance(path);
      FAIL("read");
    } catch (const ondes::Error& error) {
      CHECK(error.code() == ondes::ErrorCode::io);
      CHECK(std::string(error.what()).find(path + ": ") == 0);
      CHECK(std::string(error.what()).find(reason) != std::string::npos);
    }
  };
  const std::filesystem::path folder = ONDES_BINARY_DIR;
  refused((folder / "no_such.mid").string(), "cannot be opened");
  refused(folder.string(), "cannot be read");
  const std::filesystem::path large = folder / "test_midi_file_large.mid";
  std::ofstream(large) << "MThd";
  std::filesystem::resize_file(large, ondes::kMaxMidiFileBytes + 1);  // sparse
  refused(large.string(), "64 MiB");
  std::filesystem::remove(large);
}
