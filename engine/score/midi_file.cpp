#include "engine/score/midi_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr std::size_t kMaxNameBytes = 256;
constexpr std::uint8_t kMetaStatus = 0xFF;
constexpr std::uint8_t kMetaTrackName = 0x03;
constexpr std::uint8_t kMetaEndOfTrack = 0x2F;
constexpr std::uint8_t kMetaTempo = 0x51;

std::string hex_byte(std::uint8_t value) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%02X", static_cast<unsigned>(value));
  return text.data();
}

// A window [position, end) of the file. Every read is checked; offsets in messages are the file's.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), name_(&name), end_(bytes.size()) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return end_ - position_; }

  [[noreturn]] void fail(std::size_t offset, const std::string& what) const {
    throw Error(ErrorCode::bad_input, *name_ + ": byte " + std::to_string(offset) + ": " + what);
  }

  // Throws unless `count` more bytes are there.
  void need(std::size_t count, const std::string& what) const {
    if (count > remaining()) {
      fail(position_, what + " needs " + std::to_string(count) + " bytes, only " +
                          std::to_string(remaining()) + " are left");
    }
  }

  std::uint8_t peek() const { return std::to_integer<std::uint8_t>(bytes_[position_]); }

  std::uint8_t u8(const char* what) {
    need(1, what);
    return std::to_integer<std::uint8_t>(bytes_[position_++]);
  }

  std::uint32_t big_endian(int count, const char* what) {
    need(static_cast<std::size_t>(count), what);
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      value = (value << 8) | u8(what);
    }
    return value;
  }

  std::uint32_t little_endian_u32(const char* what) {
    const std::uint32_t v = big_endian(4, what);
    return (v >> 24) | ((v >> 8) & 0xFF00U) | ((v << 8) & 0xFF0000U) | (v << 24);
  }

  // Variable-length quantity: seven bits a byte, at most four bytes (28 bits).
  std::uint32_t variable_length(const char* what) {
    const std::size_t start = position_;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const std::uint8_t byte = u8(what);
      value = (value << 7) | (byte & 0x7FU);
      if ((byte & 0x80U) == 0) {
        return value;
      }
    }
    fail(start, std::string(what) + " is longer than four bytes");
  }

  std::uint8_t data_byte() {
    const std::uint8_t byte = u8("a data byte");
    if (byte >= 0x80U) {
      fail(position_ - 1, "expected a data byte below 0x80, found " + hex_byte(byte));
    }
    return byte;
  }

  std::string_view text(std::size_t count) {
    const char* begin = reinterpret_cast<const char*>(bytes_.data()) + position_;
    need(count, "text");
    position_ += count;
    return {begin, count};
  }

  bool starts_with(std::string_view tag) const {
    return remaining() >= tag.size() &&
           std::memcmp(bytes_.data() + position_, tag.data(), tag.size()) == 0;
  }

  void skip(std::size_t count, const std::string& what) {
    need(count, what);
    position_ += count;
  }

  // Takes the next `count` bytes out as a window of their own.
  Cursor take(std::size_t count, const std::string& what) {
    need(count, what);
    Cursor window(*this);
    window.end_ = position_ + count;
    position_ += count;
    return window;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string* name_;
  std::size_t position_ = 0;
  std::size_t end_ = 0;
};

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80U                     ? 0
                             : lead >= 0xC2U && lead <= 0xDFU ? 1
                             : lead >= 0xE0U && lead <= 0xEFU ? 2
                             : lead >= 0xF0U && lead <= 0xF4U ? 3
                                                              : 4;
    if (more == 4 || i + more >= text.size()) {
      return false;
    }
    std::uint32_t code = more == 0 ? lead : lead & (0x3FU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xC0U) != 0x80U) {
        return false;
      }
      code = (code << 6) | (byte & 0x3FU);
    }
    const bool overlong = (more == 2 && code < 0x800U) || (more == 3 && code < 0x10000U);
    if (overlong || (code >= 0xD800U && code <= 0xDFFFU) || code > 0x10FFFFU) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

// MIDI names no encoding. What is not UTF-8 is read as Latin-1, so that a title can go into JSON
// and file metadata; control characters are dropped, for a title may reach a terminal.
std::string printable_name(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20U || byte == 0x7FU || (!utf8 && byte >= 0x80U && byte < 0xA0U)) {
      continue;
    }
    if (name.size() + 2 > kMaxNameBytes) {
      break;
    }
    if (utf8 || byte < 0x80U) {
      name.push_back(c);
    } else {
      name.push_back(static_cast<char>(0xC0U | (byte >> 6)));
      name.push_back(static_cast<char>(0x80U | (byte & 0x3FU)));
    }
  }
  while (utf8 && !is_utf8(name)) {
    name.pop_back();  // the length limit cut a character in two
  }
  return name;
}

// Reads the events of one track chunk. `budget` is what is left of kMaxMidiEvents.
class TrackReader {
 public:
  TrackReader(Cursor chunk, std::size_t& budget) : in_(chunk), budget_(budget) {}

  MidiTrack read() {
    while (!ended_ && in_.remaining() > 0) {
      track_.end_tick += in_.variable_length("a delta time");
      read_event();
    }
    return std::move(track_);
  }

 private:
  void read_event() {
    in_.need(1, "an event");
    const std::size_t start = in_.position();
    std::uint8_t status = in_.peek();
    if (status >= 0x80U) {
      in_.skip(1, "a status byte");
    } else if (running_status_ != 0) {
      status = running_status_;
    } else {
      in_.fail(start, "expected a status byte, found " + hex_byte(status) +
                          " with no running status in force");
    }
    if (status < 0xF0U) {
      running_status_ = status;
      read_channel_message(status);
    } else if (status == kMetaStatus) {
      read_meta(start);
    } else if (status == 0xF0U || status == 0xF7U) {
      running_status_ = 0;
      in_.skip(in_.variable_length("a SysEx length"), "a SysEx event");
    } else {
      in_.fail(start, "status byte " + hex_byte(status) + " has no place in a MIDI file");
    }
  }

  void read_channel_message(std::uint8_t status) {
    const unsigned kind = status & 0xF0U;
    MidiEvent event{.tick = track_.end_tick, .status = status};
    event.data1 = in_.data_byte();
    if (kind != 0xC0U && kind != 0xD0U) {
      event.data2 = in_.data_byte();
    }
    if (kind != 0xA0U && kind != 0xD0U) {
      keep(event);
    }
  }

  void read_meta(std::size_t start) {
    const std::uint8_t type = in_.u8("a meta event type");
    const std::uint32_t length = in_.variable_length("a meta event length");
    Cursor data = in_.take(length, "a meta event of type " + hex_byte(type));
    if (type == kMetaEndOfTrack) {
      ended_ = true;
    } else if (type == kMetaTrackName && track_.name.empty()) {
      track_.name = printable_name(data.text(length));
    } else if (type == kMetaTempo) {
      const std::uint32_t tempo_us = data.big_endian(3, "a tempo");
      if (tempo_us == 0) {
        in_.fail(start, "a tempo of 0 microseconds a quarter note");
      }
      keep({.tick = track_.end_tick, .status = kMetaStatus, .data1 = type, .tempo_us = tempo_us});
    }
  }

  void keep(const MidiEvent& event) {
    if (budget_ == 0) {
      in_.fail(in_.position(), "more than " + std::to_string(kMaxMidiEvents) + " events");
    }
    --budget_;
    track_.events.push_back(event);
  }

  Cursor in_;
  std::size_t& budget_;
  MidiTrack track_;
  std::uint8_t running_status_ = 0;
  bool ended_ = false;
};

// A RIFF file of form RMID holds the MIDI file in its chunk "data".
Cursor unwrap_riff(Cursor file) {
  const std::size_t start = file.position();
  file.skip(4, "the RIFF tag");
  file.little_endian_u32("the RIFF length");  // not trusted and not needed
  if (!file.starts_with("RMID")) {
    file.fail(start, "a RIFF file, but not of form RMID");
  }
  file.skip(4, "the RIFF form");
  while (file.remaining() > 0) {
    const bool is_data = file.starts_with("data");
    file.skip(4, "a RIFF chunk tag");
    const std::uint32_t length = file.little_endian_u32("a RIFF chunk length");
    if (is_data) {
      return file.take(length, "the RIFF chunk \"data\"");
    }
    file.skip(length, "a RIFF chunk");
    file.skip(std::min<std::size_t>(length & 1U, file.remaining()), "the padding of a RIFF chunk");
  }
  file.fail(file.position(), "a RIFF RMID file without a chunk \"data\"");
}

// Fills in format and division; returns the number of tracks.
int read_header(Cursor& file, MidiFile& midi) {
  const std::size_t start = file.position();
  if (!file.starts_with("MThd")) {
    file.fail(start, "expected the MIDI file header \"MThd\"");
  }
  file.skip(4, "the header tag");
  const std::uint32_t length = file.big_endian(4, "the header length");
  if (length < 6) {
    file.fail(start + 4, "expected a header of at least 6 bytes, found " + std::to_string(length));
  }
  Cursor header = file.take(length, "the header");
  const std::size_t fields = header.position();
  midi.format = static_cast<int>(header.big_endian(2, "the format"));
  const int tracks = static_cast<int>(header.big_endian(2, "the number of tracks"));
  const std::uint32_t division = header.big_endian(2, "the division");
  if (midi.format > 2) {
    file.fail(fields, "expected format 0, 1 or 2, found " + std::to_string(midi.format));
  }
  if (tracks == 0) {
    file.fail(fields + 2, "the file holds no tracks");
  }
  if ((division & 0x8000U) == 0) {
    midi.ticks_per_quarter = static_cast<int>(division);
    if (division == 0) {
      file.fail(fields + 4, "a division of 0 ticks a quarter note");
    }
    return tracks;
  }
  const int frames = 256 - static_cast<int>(division >> 8);
  const int ticks_per_frame = static_cast<int>(division & 0xFFU);
  if ((frames != 24 && frames != 25 && frames != 29 && frames != 30) || ticks_per_frame == 0) {
    file.fail(fields + 4,
              "expected an SMPTE division of 24, 25, 29 or 30 frames a second and at "
              "least 1 tick a frame, found " +
                  std::to_string(frames) + " and " + std::to_string(ticks_per_frame));
  }
  const double frames_per_second = frames == 29 ? 30000.0 / 1001.0 : frames;  // 29 is drop frame
  midi.ticks_per_second = frames_per_second * ticks_per_frame;
  return tracks;
}

}  // namespace

MidiFile parse_midi(std::span<const std::byte> bytes, const std::string& name) {
  Cursor file(bytes, name);
  if (bytes.empty()) {
    file.fail(0, "the file is empty");
  }
  if (file.starts_with("RIFF")) {
    file = unwrap_riff(file);
  }
  MidiFile midi;
  const int tracks = read_header(file, midi);
  std::size_t budget = kMaxMidiEvents;
  while (static_cast<int>(midi.tracks.size()) < tracks) {
    if (file.remaining() == 0) {
      file.fail(file.position(), "the header promises " + std::to_string(tracks) +
                                     " tracks, the file ends after " +
                                     std::to_string(midi.tracks.size()));
    }
    const bool is_track = file.starts_with("MTrk");
    file.skip(4, "a chunk tag");
    const std::uint32_t length = file.big_endian(4, "a chunk length");
    if (is_track) {
      const std::string what = "track " + std::to_string(midi.tracks.size() + 1);
      midi.tracks.push_back(TrackReader(file.take(length, what), budget).read());
    } else {
      file.skip(length, "a chunk of unknown kind");
    }
  }
  return midi;
}

}  // namespace ondes
