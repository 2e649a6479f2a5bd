// MIDI from a keyboard or another program, each message stamped with the time of its arrival.
//
//   alsa  through RtMidi: the stamp is taken where the message comes in, on RtMidi's thread. The
//         kernel's own stamps are in the time of an ALSA queue, on a timer that need not keep pace
//         with steady_clock; of those RtMidi passes on differences alone.
//   jack  through libjack itself: the stamp is the message's frame within its period. RtMidi gives
//         every message of a period the time of the period's beginning, which would be heard as
//         jitter of up to a period.
//
// A port is opened (another program's output is listened to), or a port of our own waits for others
// to be connected to it.
//
// Control thread: everything but MidiReceiver::midi().
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ondes {

class MidiReceiver {
 public:
  virtual ~MidiReceiver() = default;
  // One whole message, on the thread of the input. steady_clock nanoseconds.
  virtual void midi(std::int64_t arrival_ns, std::span<const std::uint8_t> message) noexcept = 0;
};

struct MidiPort {
  std::string api;   // "alsa", "jack"
  std::string name;  // of the port that can be listened to
};

class MidiInput {
 public:
  virtual ~MidiInput() = default;
  virtual std::string description() const = 0;          // "JACK port ondes-midi:midi_in"
  virtual bool alive() const noexcept { return true; }  // false: its server has ended
};

// What can be listened to. Never throws: an API that is not there has no ports.
std::vector<MidiPort> list_midi_ports();

struct MidiInputOptions {
  std::string api = "auto";  // alsa, jack; auto: jack if its server runs, else alsa
  std::string port;          // as find_midi_port(); empty: only a port of our own, called "midi_in"
};

// Which of the ports of an API ("ALSA", "JACK") is called so: the whole name, else a part of one,
// whatever the case. Throws Error{no_device} if there is none, Error{usage} if a part fits more than
// one, both saying which ports there are.
std::size_t find_midi_port(const std::string& wanted,
                           const std::vector<std::string>& names,
                           const std::string& api);

// The receiver must outlive the input. Throws as find_midi_port(), Error{usage} for an unknown API.
std::unique_ptr<MidiInput> open_midi_input(const MidiInputOptions& options, MidiReceiver& receiver);

// The two of them.
std::unique_ptr<MidiInput> open_alsa_midi(const std::string& port, MidiReceiver& receiver);
std::unique_ptr<MidiInput> open_jack_midi(const std::string& port, MidiReceiver& receiver);
std::vector<std::string> list_alsa_midi();
std::vector<std::string> list_jack_midi();  // empty without a server
bool jack_server_runs();

}  // namespace ondes
