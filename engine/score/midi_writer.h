// Writes Standard MIDI Files of format 1: for sample scores, and for what is played live.
//
// Events may be added in any order; bytes() puts each track in time order (ties: note-offs first,
// then the order of adding, so that a repeated key is never cut short). Track 0 carries the tempo.
// Values out of range are Error{usage}. Set-up thread only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ondes {

class MidiWriter {
 public:
  explicit MidiWriter(int ticks_per_quarter = 480, const std::string& title = "");

  // Returns the track's number, 1 at first.
  int add_track(const std::string& name);

  void tempo(std::int64_t tick, double quarters_per_minute);
  void note(
      int track, std::int64_t tick, std::int64_t length_ticks, int channel, int key, int velocity);
  void note_on(int track, std::int64_t tick, int channel, int key, int velocity);
  void note_off(int track, std::int64_t tick, int channel, int key, int release_velocity = 64);
  void program(int track, std::int64_t tick, int channel, int program);
  void control(int track, std::int64_t tick, int channel, int number, int value);
  void bend(int track, std::int64_t tick, int channel, int value);            // -8192..8191
  void bend_range(int track, std::int64_t tick, int channel, int semitones);  // RPN 0, then null

  // The file. Each track ends with its last event.
  std::vector<std::byte> bytes() const;

 private:
  struct Event {
    std::int64_t tick = 0;
    int order = 0;  // 0: note-off, 1: anything else
    std::vector<std::uint8_t> bytes;
  };
  using Track = std::vector<Event>;

  void add(int track, std::int64_t tick, std::vector<std::uint8_t> bytes);
  static std::vector<std::uint8_t> track_bytes(const Track& track);

  int ticks_per_quarter_;
  std::vector<Track> tracks_;
};

}  // namespace ondes
