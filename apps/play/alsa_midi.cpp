#include <fmt/format.h>
#include <rtmidi/RtMidi.h>

#include <chrono>
#include <vector>

#include "apps/play/midi_input.h"
#include "apps/play/quiet_stderr.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr const char* kClient = "ondes";

void ignore_errors(RtMidiError::Type, const std::string&, void*) {}

std::vector<std::string> ports_of(RtMidiIn& midi) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < midi.getPortCount(); ++i) {
    names.push_back(midi.getPortName(i));
  }
  return names;
}

class AlsaMidi : public MidiInput {
 public:
  AlsaMidi(const std::string& port, MidiReceiver& receiver)
      : midi_(RtMidi::LINUX_ALSA, kClient), receiver_(receiver) {
    midi_.setErrorCallback(ignore_errors, nullptr);
    midi_.ignoreTypes(true, true, true);  // system exclusive, time code, active sensing
    midi_.setCallback(receive, this);
    if (port.empty()) {
      midi_.openVirtualPort("midi_in");
      description_ = "ALSA port ondes:midi_in, to be connected (aconnect)";
      return;
    }
    const std::vector<std::string> names = ports_of(midi_);
    const std::size_t found = find_midi_port(port, names, "ALSA");
    midi_.openPort(static_cast<unsigned>(found), "midi_in");
    description_ = "ALSA port " + names[found];
  }
  std::string description() const override { return description_; }

 private:
  static void receive(double, std::vector<unsigned char>* message, void* user) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    static_cast<AlsaMidi*>(user)->receiver_.midi(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(), *message);
  }

  RtMidiIn midi_;
  MidiReceiver& receiver_;
  std::string description_;
};

}  // namespace

std::vector<std::string> list_alsa_midi() {
  const QuietStderr quiet;
  try {
    RtMidiIn midi(RtMidi::LINUX_ALSA, kClient);
    midi.setErrorCallback(ignore_errors, nullptr);
    return ports_of(midi);
  } catch (const RtMidiError&) {
    return {};
  }
}

std::unique_ptr<MidiInput> open_alsa_midi(const std::string& port, MidiReceiver& receiver) {
  const QuietStderr quiet;
  try {
    return std::make_unique<AlsaMidi>(port, receiver);
  } catch (const RtMidiError& error) {
    throw Error(ErrorCode::no_device,
                fmt::format("MIDI input: ALSA: {} (is /dev/snd/seq there?)", error.getMessage()));
  }
}

}  // namespace ondes
