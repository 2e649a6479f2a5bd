#include "engine/score/midi_writer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr std::int64_t kMaxDelta = (std::int64_t{1} << 28) - 1;

int checked(int value, int low, int high, const char* what) {
  if (value < low || value > high) {
    throw Error(ErrorCode::usage, std::string("MIDI writer: expected ") + what + " in " +
                                      std::to_string(low) + ".." + std::to_string(high) +
                                      ", found " + std::to_string(value));
  }
  return value;
}

std::uint8_t status(unsigned kind, int channel) {
  return static_cast<std::uint8_t>(kind |
                                   static_cast<unsigned>(checked(channel, 0, 15, "a channel")));
}

std::uint8_t data(int value, const char* what) {
  return static_cast<std::uint8_t>(checked(value, 0, 127, what));
}

void append_variable_length(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 21; shift > 0; shift -= 7) {
    if (value >> shift != 0) {
      out.push_back(static_cast<std::uint8_t>(0x80U | ((value >> shift) & 0x7FU)));
    }
  }
  out.push_back(static_cast<std::uint8_t>(value & 0x7FU));
}

void append_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>((value >> shift) & 0xFFU));
  }
}

std::vector<std::uint8_t> meta_text(std::uint8_t type, const std::string& text) {
  std::vector<std::uint8_t> bytes = {0xFF, type};
  append_variable_length(bytes, static_cast<std::uint32_t>(text.size()));
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

}  // namespace

MidiWriter::MidiWriter(int ticks_per_quarter, const std::string& title)
    : ticks_per_quarter_(checked(ticks_per_quarter, 1, 0x7FFF, "ticks a quarter note")) {
  add_track(title);
}

int MidiWriter::add_track(const std::string& name) {
  const int track = static_cast<int>(tracks_.size());
  checked(track, 0, 0xFFFE, "a track number");
  checked(static_cast<int>(std::min<std::size_t>(name.size(), kMaxDelta + 1)), 0, kMaxDelta,
          "the length of a track name");
  tracks_.emplace_back();
  if (!name.empty()) {
    add(track, 0, meta_text(0x03, name));
  }
  return track;
}

void MidiWriter::tempo(std::int64_t tick, double quarters_per_minute) {
  const double tempo_us = 60e6 / quarters_per_minute;
  if (!(tempo_us >= 1.0 && tempo_us < 16777215.0)) {
    throw Error(ErrorCode::usage,
                "MIDI writer: expected a tempo of 3.6 to 6e7 quarter notes a "
                "minute, found " +
                    std::to_string(quarters_per_minute));
  }
  std::vector<std::uint8_t> bytes = {0xFF, 0x51, 0x03};
  append_big_endian(bytes, static_cast<std::uint32_t>(std::lround(tempo_us)), 3);
  add(0, tick, std::move(bytes));
}

void MidiWriter::note(
    int track, std::int64_t tick, std::int64_t length_ticks, int channel, int key, int velocity) {
  note_on(track, tick, channel, key, velocity);
  note_off(track, tick + length_ticks, channel, key);
}

void MidiWriter::note_on(int track, std::int64_t tick, int channel, int key, int velocity) {
  checked(velocity, 1, 127, "a velocity");
  add(track, tick, {status(0x90, channel), data(key, "a key"), data(velocity, "a velocity")});
}

void MidiWriter::note_off(
    int track, std::int64_t tick, int channel, int key, int release_velocity) {
  add(track, tick,
      {status(0x80, channel), data(key, "a key"), data(release_velocity, "a release velocity")});
}

void MidiWriter::program(int track, std::int64_t tick, int channel, int program) {
  add(track, tick, {status(0xC0, channel), data(program, "a program")});
}

void MidiWriter::control(int track, std::int64_t tick, int channel, int number, int value) {
  add(track, tick,
      {status(0xB0, channel), data(number, "a controller"), data(value, "a controller value")});
}

void MidiWriter::bend(int track, std::int64_t tick, int channel, int value) {
  const int raw = checked(value, -8192, 8191, "a bend") + 8192;
  add(track, tick, {status(0xE0, channel), data(raw & 0x7F, "a bend"), data(raw >> 7, "a bend")});
}

void MidiWriter::bend_range(int track, std::int64_t tick, int channel, int semitones) {
  control(track, tick, channel, 101, 0);
  control(track, tick, channel, 100, 0);
  control(track, tick, channel, 6, semitones);
  control(track, tick, channel, 38, 0);
  control(track, tick, channel, 101, 127);
  control(track, tick, channel, 100, 127);
}

void MidiWriter::add(int track, std::int64_t tick, std::vector<std::uint8_t> bytes) {
  checked(track, 0, static_cast<int>(tracks_.size()) - 1, "a track number");
  if (tick < 0) {
    throw Error(ErrorCode::usage,
                "MIDI writer: expected a tick from 0 on, found " + std::to_string(tick));
  }
  const int order = (bytes[0] & 0xF0U) == 0x80U ? 0 : 1;
  tracks_[static_cast<std::size_t>(track)].push_back({tick, order, std::move(bytes)});
}

std::vector<std::uint8_t> MidiWriter::track_bytes(const Track& track) {
  Track events = track;
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.tick != b.tick ? a.tick < b.tick : a.order < b.order;
  });
  std::vector<std::uint8_t> out;
  std::int64_t tick = 0;
  for (const Event& event : events) {
    if (event.tick - tick > kMaxDelta) {
      throw Error(ErrorCode::usage, "MIDI writer: more than 2^28 ticks between two events");
    }
    append_variable_length(out, static_cast<std::uint32_t>(event.tick - tick));
    out.insert(out.end(), event.bytes.begin(), event.bytes.end());
    tick = event.tick;
  }
  out.insert(out.end(), {0x00, 0xFF, 0x2F, 0x00});
  return out;
}

std::vector<std::byte> MidiWriter::bytes() const {
  std::vector<std::uint8_t> out = {'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, 1};
  append_big_endian(out, static_cast<std::uint32_t>(tracks_.size()), 2);
  append_big_endian(out, static_cast<std::uint32_t>(ticks_per_quarter_), 2);
  for (const Track& track : tracks_) {
    const std::vector<std::uint8_t> body = track_bytes(track);
    out.insert(out.end(), {'M', 'T', 'r', 'k'});
    append_big_endian(out, static_cast<std::uint32_t>(body.size()), 4);
    out.insert(out.end(), body.begin(), body.end());
  }
  std::vector<std::byte> file(out.size());
  std::transform(out.begin(), out.end(), file.begin(),
                 [](std::uint8_t byte) { return static_cast<std::byte>(byte); });
  return file;
}

}  // namespace ondes
