// Standard MIDI File reader: formats 0, 1 and 2, running status, tempo and SMPTE divisions.
//
// Bounded: every length is checked against the bytes that are there before it is used. A malformed
// file gives one Error{bad_input} that names the byte offset. Source: MIDI 1.0 / RP-001 (SMF 1.0).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/score/performance.h"

namespace ondes {

// A channel or meta event of interest, as it stands in the file.
struct MidiEvent {
  std::int64_t tick = 0;       // absolute, within its track
  std::uint8_t status = 0;     // 0x80..0xEF channel message, 0xFF meta, 0xF0/0xF7 SysEx
  std::uint8_t data1 = 0;      // meta: type
  std::uint8_t data2 = 0;
  std::uint32_t tempo_us = 0;  // meta 0x51: microseconds a quarter note
};

struct MidiTrack {
  std::string name;
  std::vector<MidiEvent> events;
  std::int64_t end_tick = 0;
};

struct MidiFile {
  int format = 0;
  int ticks_per_quarter = 0;    // 0 with an SMPTE division
  double ticks_per_second = 0;  // of an SMPTE division, else 0
  std::vector<MidiTrack> tracks;
};

// `name` is used in messages only.
MidiFile parse_midi(std::span<const std::byte> bytes, const std::string& name);

// Applies the tempo map and the controller rules. Format 2: tracks follow one another.
Performance perform(const MidiFile& file);

// Reads, parses and performs. Throws Error{io} if the file cannot be read or is over 64 MiB.
Performance read_performance(const std::string& path);

}  // namespace ondes
