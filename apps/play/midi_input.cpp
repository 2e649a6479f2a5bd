#include "apps/play/midi_input.h"

#include "engine/error.h"

namespace ondes {

std::vector<MidiPort> list_midi_ports() {
  std::vector<MidiPort> ports;
  for (const std::string& name : list_jack_midi()) {
    ports.push_back({"jack", name});
  }
  for (const std::string& name : list_alsa_midi()) {
    ports.push_back({"alsa", name});
  }
  return ports;
}

std::unique_ptr<MidiInput> open_midi_input(const MidiInputOptions& options,
                                           MidiReceiver& receiver) {
  const bool jack = options.api == "jack" || (options.api == "auto" && jack_server_runs());
  if (!jack && options.api != "alsa" && options.api != "auto") {
    throw Error(ErrorCode::usage, "--midi-api: expected auto, alsa or jack, found " + options.api);
  }
  return jack ? open_jack_midi(options.port, receiver) : open_alsa_midi(options.port, receiver);
}

}  // namespace ondes
