#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "apps/cli_options.h"
#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/play/live_player.h"
#include "apps/renderer.h"
#include "engine/error.h"

namespace ondes {
namespace {

struct LiveCommand {
  LiveRequest request;
  bool list = false;
};

int run_live(LiveCommand& command) {
  if (command.request.voices.empty()) {
    command.request.voices.emplace_back("chamber-live");
  }
  if (command.list) {
    for (const MidiPort& port : list_midi_ports()) {
      std::fputs(fmt::format("{:4} {}\n", port.api, port.name).c_str(), stdout);
    }
    return kExitDone;
  }
  if (!command.request.morph_to.empty() && command.request.morph_controller < 0) {
    throw Error(ErrorCode::usage,
                "--morph-to: expected --morph-cc, the controller that leads there");
  }
  announce_device("live", command.request.render.device, command.request.render.device_named);
  play_live(command.request);
  return kExitDone;
}

}  // namespace

void add_live_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("live", "Play a voice from a MIDI keyboard");
  sub->footer("Ends by q, Ctrl-C or --for, in order and with exit code 0.");
  auto command = std::make_shared<LiveCommand>();
  LiveRequest& request = command->request;
  request.render.max_lanes = 16;
  sub->add_option("--voice", request.voices,
                  "Voice by name or file [chamber-live]; several: the key v goes on to the next")
      ->expected(1)
      ->take_all();
  add_synthesis_options(*sub, request.render);
  sub->add_option(
      "--midi-in", request.midi.port,
      "Part of the name (of only one) to listen to; without it a port of our own waits");
  sub->add_option("--midi-api", request.midi.api, "auto, alsa or jack")
      ->check(CLI::IsMember({"auto", "alsa", "jack"}))
      ->capture_default_str();
  sub->add_flag("--list-midi", command->list, "List what can be listened to, and end");
  sub->add_option("--start-program", request.program, "General MIDI program to begin with")
      ->check(CLI::Range(0, 127));
  sub->add_option("--morph-cc", request.morph_controller,
                  "Controller that leads from the program's instrument to another one")
      ->check(CLI::Range(0, 119));
  sub->add_option("--morph-to", request.morph_to, "That instrument [the voice's next one]");
  sub->add_option("--audio-device", request.audio_device,
                  "Number or part of the name (see `ondes devices`); clock: no sound, in time");
  sub->add_option("--rate", request.rate_hz, "Of the device, Hz [the voice's, or else its own]")
      ->check(CLI::Range(4000, 768000));
  sub->add_option("--buffer", request.buffer_frames, "Frames the device takes at once")
      ->check(CLI::Range(16, 4096));
  sub->add_option("--latency", request.latency_ms,
                  "From a key to the device, ms [the least that is safe]")
      ->check(finite_range(0.0, 1000.0));
  sub->add_option("--record", request.record,
                  "Write what was heard to this WAV (32-bit float); - is standard output");
  sub->add_option("--score-out", request.score_out,
                  "Write what was played to this MIDI file; - is standard output");
  sub->add_flag("--force", request.replace, "Replace existing files");
  sub->add_option("--for", request.for_s, "End by itself after that many seconds")
      ->check(finite_range(0.0, 86400.0));
  sub->add_flag("--json", request.json, "Telemetry once a second, JSON lines on standard output");
  sub->add_flag("--quiet", request.quiet, "No picture");
  sub->callback([command, &action] { action = [command] { return run_live(*command); }; });
}

}  // namespace ondes
