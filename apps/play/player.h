// The control loop of `ondes play`: inputs one after the other through a stream into a device, with
// keys, a picture, telemetry, and a recording.
//
// Every change that is more than a number (seek, tempo, temperature, voice, loop) is a new source
// that was prepared here and is handed over by pointer: the audio never waits for it.
//
// Control thread.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/play/play_source.h"
#include "apps/render_options.h"

namespace ondes {

struct PlayRequest {
  std::vector<std::string> inputs;  // files and folders
  std::vector<std::string> voices;  // the first one begins; v switches
  RenderOptions render;
  std::string audio_device;   // "", an index, a part of a name, "clock"
  int rate_hz = 0;            // 0: the voice's if the device takes it
  int buffer_frames = 0;      // of the device; 0: its choice
  double latency_ms = 100.0;  // how far rendering runs ahead
  double speed = 1.0;         // of the clock device
  double start_s = 0.0;
  double tempo = 1.0;
  bool loop = false;  // the whole list
  std::optional<double> loop_from_s;
  std::optional<double> loop_to_s;
  std::string record;  // a WAV of what was played
  bool replace = false;
  bool json = false;   // telemetry as JSON lines on standard output
  bool quiet = false;  // no picture
};

// Until the last frame has been played, q, or Ctrl-C. Throws Error; Error{interrupted} for a signal,
// after the sound has been ended in order.
void play(const PlayRequest& request);

}  // namespace ondes
