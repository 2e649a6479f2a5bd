// perform(): MIDI events in ticks become notes and controls in seconds.
//
// One sequence is a set of tracks that sound together. Its events are put in time order (ties:
// track order, then order in the track, so that the result is what a synthesizer on a cable would
// hear), given seconds by the tempo map, and played to a ChannelRules.
#include "engine/score/perform.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/score/channel_controls.h"

namespace ondes {
namespace {

constexpr std::uint32_t kDefaultTempoUs = 500'000;
constexpr int kPercussionChannel = 9;
constexpr int kChannels = 16;
constexpr int kKeys = 128;
constexpr int kNone = -1;

bool is_tempo(const MidiEvent& event) {
  return event.status == 0xFFU && event.tempo_us != 0;
}

// Seconds as a function of ticks: straight pieces, each computed from its own start, so that no
// rounding piles up event by event.
class TempoMap {
 public:
  TempoMap(const MidiFile& file, std::span<const MidiTrack> tracks) {
    if (file.ticks_per_second > 0) {
      pieces_.push_back({0, 0.0, 1.0 / file.ticks_per_second});
      return;
    }
    if (file.ticks_per_quarter <= 0) {
      throw Error(ErrorCode::bad_input, "a division of 0 ticks a quarter note");
    }
    std::vector<MidiEvent> changes;
    for (const MidiTrack& track : tracks) {
      std::copy_if(track.events.begin(), track.events.end(), std::back_inserter(changes), is_tempo);
    }
    std::stable_sort(changes.begin(), changes.end(),
                     [](const MidiEvent& a, const MidiEvent& b) { return a.tick < b.tick; });
    const double quarters_per_tick_us = 1e-6 / file.ticks_per_quarter;
    pieces_.push_back({0, 0.0, kDefaultTempoUs * quarters_per_tick_us});
    for (const MidiEvent& change : changes) {
      pieces_.push_back(
          {change.tick, seconds(change.tick), change.tempo_us * quarters_per_tick_us});
    }
  }

  double seconds(std::int64_t tick) const {
    const auto after =
        std::upper_bound(pieces_.begin(), pieces_.end(), tick,
                         [](std::int64_t t, const Piece& piece) { return t < piece.tick; });
    const Piece& piece = after == pieces_.begin() ? *after : *(after - 1);
    return piece.start_s + static_cast<double>(tick - piece.tick) * piece.seconds_per_tick;
  }

 private:
  struct Piece {
    std::int64_t tick = 0;
    double start_s = 0.0;
    double seconds_per_tick = 0.0;
  };
  std::vector<Piece> pieces_;
};

// The state of sixteen channels, and what their messages mean.
class ChannelRules {
 public:
  explicit ChannelRules(Performance& out) : out_(out) {
    first_down_.fill(kNone);
    last_down_.fill(kNone);
  }

  void message(double time_s, int track, const MidiEvent& event) {
    const int channel = event.status & 0x0F;
    const int data1 = event.data1 & 0x7F;
    const int data2 = event.data2 & 0x7F;
    const unsigned kind = event.status & 0xF0U;
    if (channel == kPercussionChannel) {
      out_.percussion_notes += kind == 0x90U && data2 > 0 ? 1 : 0;
      return;
    }
    if (kind == 0x90U && data2 > 0) {
      note_on(time_s, track, channel, data1, data2);
    } else if (kind == 0x80U || kind == 0x90U) {
      note_off(time_s, channel, data1, kind == 0x80U ? data2 : 64);
    } else if (const std::optional<ChannelControl> control =
                   controls_.message(event.status, data1, data2)) {
      if (control->kind == ControlKind::all_sound_off ||
          control->kind == ControlKind::all_notes_off) {
        lift_all(time_s, channel);
      }
      out_.controls.push_back(
          {.time_s = time_s, .channel = channel, .kind = control->kind, .value = control->value});
    }
  }

  // Ends what is still down. `track_end_s(track)` gives the end of a track.
  template <typename TrackEnd>
  void end_sequence(const TrackEnd& track_end_s) {
    for (std::size_t slot = 0; slot < first_down_.size(); ++slot) {
      while (first_down_[slot] != kNone) {
        PerformanceNote& note = out_.notes[static_cast<std::size_t>(first_down_[slot])];
        const double end_s = std::max(note.onset_s, track_end_s(note.track));
        lift_oldest(slot, end_s, 64);
        ++out_.hanging_notes;
      }
    }
  }

 private:
  static std::size_t slot_of(int channel, int key) {
    return static_cast<std::size_t>(channel * kKeys + key);
  }

  void note_on(double time_s, int track, int channel, int key, int velocity) {
    const auto index = static_cast<std::int32_t>(out_.notes.size());
    out_.notes.push_back({.onset_s = time_s,
                          .release_s = time_s,
                          .channel = channel,
                          .key = key,
                          .velocity = velocity,
                          .track = track});
    next_down_.push_back(kNone);
    const std::size_t slot = slot_of(channel, key);
    if (first_down_[slot] == kNone) {
      first_down_[slot] = index;
    } else {
      next_down_[static_cast<std::size_t>(last_down_[slot])] = index;
    }
    last_down_[slot] = index;
    ++keys_down_[static_cast<std::size_t>(channel)];
  }

  void note_off(double time_s, int channel, int key, int release_velocity) {
    const std::size_t slot = slot_of(channel, key);
    if (first_down_[slot] == kNone) {
      ++out_.unmatched_note_offs;
    } else {
      lift_oldest(slot, time_s, release_velocity);
    }
  }

  void lift_oldest(std::size_t slot, double time_s, int release_velocity) {
    const auto index = static_cast<std::size_t>(first_down_[slot]);
    PerformanceNote& note = out_.notes[index];
    note.release_s = time_s;
    note.release_velocity = release_velocity;
    first_down_[slot] = next_down_[index];
    --keys_down_[static_cast<std::size_t>(note.channel)];
  }

  void lift_all(double time_s, int channel) {
    for (int key = 0; key < kKeys && keys_down_[static_cast<std::size_t>(channel)] > 0; ++key) {
      while (first_down_[slot_of(channel, key)] != kNone) {
        lift_oldest(slot_of(channel, key), time_s, 64);
      }
    }
  }

  Performance& out_;
  ChannelControls controls_;
  std::array<int, kChannels> keys_down_{};
  // Keys that are down, as one first-in first-out list for each channel and key.
  std::array<std::int32_t, kChannels * kKeys> first_down_{};
  std::array<std::int32_t, kChannels * kKeys> last_down_{};
  std::vector<std::int32_t> next_down_;  // one for each note of out_.notes
};

struct EventPlace {
  std::int64_t tick = 0;
  std::uint32_t track = 0;
  std::uint32_t index = 0;
};

std::vector<EventPlace> in_time_order(std::span<const MidiTrack> tracks) {
  std::vector<EventPlace> places;
  for (std::size_t track = 0; track < tracks.size(); ++track) {
    for (std::size_t i = 0; i < tracks[track].events.size(); ++i) {
      places.push_back({tracks[track].events[i].tick, static_cast<std::uint32_t>(track),
                        static_cast<std::uint32_t>(i)});
    }
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const EventPlace& a, const EventPlace& b) { return a.tick < b.tick; });
  return places;
}

// Plays tracks [first, first + count) from start_s on; returns when the last of them ends.
double perform_sequence(const MidiFile& file,
                        std::size_t first,
                        std::size_t count,
                        double start_s,
                        ChannelRules& rules) {
  const auto tracks = std::span(file.tracks).subspan(first, count);
  const TempoMap tempo(file, tracks);
  double end_s = start_s;
  for (const MidiTrack& track : tracks) {
    const std::int64_t last_tick = track.events.empty() ? 0 : track.events.back().tick;
    end_s = std::max(end_s, start_s + tempo.seconds(std::max(track.end_tick, last_tick)));
  }
  if (!(end_s <= kMaxScoreSeconds)) {
    throw Error(ErrorCode::bad_input, "the score would last " + std::to_string(end_s / 3600.0) +
                                          " hours, at most 24 are accepted");
  }
  for (const EventPlace& place : in_time_order(tracks)) {
    const MidiEvent& event = tracks[place.track].events[place.index];
    if (event.status >= 0x80U && event.status < 0xF0U) {
      rules.message(start_s + tempo.seconds(event.tick), static_cast<int>(first + place.track),
                    event);
    }
  }
  rules.end_sequence([&](int track) {
    return start_s + tempo.seconds(file.tracks[static_cast<std::size_t>(track)].end_tick);
  });
  return end_s;
}

int most_keys_down(const std::vector<PerformanceNote>& notes) {
  std::vector<double> releases;
  releases.reserve(notes.size());
  for (const PerformanceNote& note : notes) {
    releases.push_back(note.release_s);
  }
  std::sort(releases.begin(), releases.end());
  std::size_t lifted = 0;
  int down = 0;
  int most = notes.empty() ? 0 : 1;
  for (const PerformanceNote& note : notes) {  // by onset
    ++down;
    for (; lifted < releases.size() && releases[lifted] <= note.onset_s; ++lifted) {
      --down;
    }
    most = std::max(most, down);
  }
  return most;
}

std::vector<std::byte> read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw Error(ErrorCode::io, path + ": cannot be opened: " + std::strerror(errno));
  }
  // In pieces and without asking for the size, so that a pipe can be read as well.
  std::vector<std::byte> bytes;
  std::vector<char> piece(std::size_t{1} << 16);
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto got = static_cast<std::size_t>(in.gcount());
    const auto* begin = reinterpret_cast<const std::byte*>(piece.data());
    bytes.insert(bytes.end(), begin, begin + got);
    if (bytes.size() > kMaxMidiFileBytes) {
      throw Error(ErrorCode::io, path + ": larger than the 64 MiB that a MIDI file may have");
    }
  }
  if (!in.eof()) {
    throw Error(ErrorCode::io, path + ": cannot be read");
  }
  return bytes;
}

}  // namespace

Performance perform(const MidiFile& file) {
  Performance out;
  for (const MidiTrack& track : file.tracks) {
    if (out.title.empty()) {
      out.title = track.name;
    }
  }
  ChannelRules rules(out);
  if (file.format == 2) {
    for (std::size_t track = 0; track < file.tracks.size(); ++track) {
      out.duration_s = perform_sequence(file, track, 1, out.duration_s, rules);
    }
  } else {
    out.duration_s = perform_sequence(file, 0, file.tracks.size(), 0.0, rules);
  }
  out.max_polyphony = most_keys_down(out.notes);
  return out;
}

Performance read_performance(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  const MidiFile midi = parse_midi(bytes, path);
  try {
    return perform(midi);
  } catch (const Error& error) {
    throw Error(error.code(), path + ": " + error.what());
  }
}

}  // namespace ondes
