// What was played live, as a MIDI file: 48,000 ticks a second, so that a render of it starts its
// notes at the samples at which they were heard. Control thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "engine/score/midi_writer.h"

namespace ondes {

class PlayedScore {
 public:
  explicit PlayedScore(const std::string& title);

  // A channel message, at a time since the stream began. A channel that nothing has used needs no
  // silence, no reset, no pedal up and no key lifted: a panic, or a loss of events, sends two of these
  // to every channel.
  void add(double time_s, const std::array<std::uint8_t, 3>& message);
  // Lifts the keys that are still down, each as often as it was struck: a score's notes have ends,
  // wherever playing stopped.
  void end(double time_s);
  // Silence before the first event is left out. "-": standard output. Throws Error{io}.
  void write(const std::string& path) const;

 private:
  void count_keys(unsigned kind, int channel, int data1, int data2);

  MidiWriter writer_;
  int track_;
  double first_s_ = -1.0;
  double last_s_ = 0.0;
  std::array<bool, 16> used_{};                  // (channel)
  std::array<std::array<int, 128>, 16> down_{};  // (channel, key): how many of its notes
};

}  // namespace ondes
