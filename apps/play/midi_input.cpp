#include "apps/play/midi_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "engine/error.h"

namespace ondes {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::size_t find_midi_port(const std::string& wanted,
                           const std::vector<std::string>& names,
                           const std::string& api) {
  const auto exact = std::find(names.begin(), names.end(), wanted);
  if (exact != names.end()) {
    return static_cast<std::size_t>(exact - names.begin());
  }
  std::vector<std::size_t> fitting;
  std::vector<std::string> fitting_names;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (lower(names[i]).find(lower(wanted)) != std::string::npos) {
      fitting.push_back(i);
      fitting_names.push_back(names[i]);
    }
  }
  if (fitting.empty()) {
    throw Error(
        ErrorCode::no_device,
        fmt::format("--midi-in {}: no {} port of that name; there {}", wanted, api,
                    names.empty() ? "is none" : fmt::format("are {}", fmt::join(names, ", "))));
  }
  if (fitting.size() > 1) {
    throw Error(ErrorCode::usage, fmt::format("--midi-in {}: fits more than one {} port: {}",
                                              wanted, api, fmt::join(fitting_names, ", ")));
  }
  return fitting.front();
}

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
