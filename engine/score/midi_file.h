// Standard MIDI File reader: formats 0, 1 and 2, running status, tempo and SMPTE divisions.
//
// Bounded: every length is checked against the bytes that are there before it is used, at most
// kMaxMidiEvents events are kept, and nothing is allocated from a length field. A malformed file
// gives one Error{bad_input} that names the byte offset. Source: MIDI 1.0 / RP-001 (SMF 1.0).
//
// Where real files stray from the text and the meaning is still plain, they are read: a RIFF RMID
// wrapper, unknown chunks, a track without its end-of-track event, bytes after the last track, a
// running status kept over a meta event, a format 0 file with more than one track.
//
// Set-up thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ondes {

inline constexpr std::size_t kMaxMidiFileBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxMidiEvents = 4'000'000;   // 64 MB of MidiEvent
inline constexpr double kMaxScoreSeconds = 24.0 * 3600.0;  // longer is a broken delta or tempo

// A channel or meta event of interest, as it stands in the file. Aftertouch, SysEx and the meta
// events other than tempo and track name are checked and left out.
struct MidiEvent {
  std::int64_t tick = 0;    // absolute, within its track
  std::uint8_t status = 0;  // 0x80..0xEF channel message, 0xFF meta
  std::uint8_t data1 = 0;   // meta: type
  std::uint8_t data2 = 0;
  std::uint32_t tempo_us = 0;  // meta 0x51: microseconds a quarter note
};

struct MidiTrack {
  std::string name;  // UTF-8, printable, at most 256 bytes
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

}  // namespace ondes
