// The control loop of `ondes live`: a keyboard through a voice into a device.
//
// Control thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/play/midi_input.h"
#include "apps/render_options.h"

namespace ondes {

struct LiveRequest {
  std::vector<std::string> voices;  // the first one begins; the key v goes on
  RenderOptions render;             // seed, temperature, programs, precision, lanes, gain
  MidiInputOptions midi;
  int program = -1;           // that every channel begins with; -1: 0
  int morph_controller = -1;  // a controller that leads to another instrument; -1: none
  std::string morph_to;       // that instrument; empty: the one after program's
  std::string audio_device;
  int rate_hz = 0;  // of the device; 0: the first voice's if the device takes it, else its own
  int buffer_frames = 0;
  double latency_ms = 0.0;  // from the stamp of a key to the device; 0: the least that is safe
  std::string record;
  std::string score_out;  // what was played, as a MIDI file; "-": to standard output, at the end
  bool replace = false;
  bool json = false;
  bool quiet = false;
  double for_s = 0.0;  // ends by itself after that time; 0: never
};

// Until q, Ctrl-C, or for_s. Throws Error.
void play_live(const LiveRequest& request);

}  // namespace ondes
