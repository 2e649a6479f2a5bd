#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/cli_options.h"
#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/play/play_output.h"
#include "apps/play/player.h"
#include "apps/renderer.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr double kLeastSpeed = 0.01;

int run_play(PlayRequest& request) {
  if (request.voices.empty()) {
    request.voices.emplace_back();
  }
  if (request.speed != 1.0 && request.audio_device != kClockDevice) {
    throw Error(ErrorCode::usage, "--speed: for --audio-device clock only");
  }
  if (request.speed > 0.0 && request.speed < kLeastSpeed) {
    throw Error(ErrorCode::usage, fmt::format("--speed: expected 0, or a number from {:g} to 1000, "
                                              "found {:g}",
                                              kLeastSpeed, request.speed));
  }
  if (request.loop_from_s.has_value() != request.loop_to_s.has_value()) {
    throw Error(ErrorCode::usage, "--loop-from and --loop-to: expected both or none");
  }
  announce_device("play", request.render.device, request.render.device_named);
  play(request);
  return kExitDone;
}

}  // namespace

void add_play_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand(
      "play", "Play scores (.mid), mels and sounds through a voice, in real time");
  auto request = std::make_shared<PlayRequest>();
  sub->add_option("inputs", request->inputs,
                  "Scores, or mels and sounds for a voice that takes them; a folder is all of its")
      ->required();
  sub->add_option("--voice", request->voices,
                  "Voice by name or file; several: the key v goes from one to the next")
      ->expected(1)
      ->take_all();
  add_synthesis_options(*sub, request->render);
  sub->add_option("--audio-device", request->audio_device,
                  "Number or part of the name (see `ondes devices`); clock: no sound, in time");
  sub->add_option("--rate", request->rate_hz, "Of the device, Hz [the voice's]")
      ->check(CLI::Range(4000, 768000));
  sub->add_option("--buffer", request->buffer_frames, "Frames the device takes at once")
      ->check(CLI::Range(16, 4096));
  sub->add_option("--latency", request->latency_ms, "How far rendering runs ahead, ms")
      ->check(finite_range(1.0, 10000.0))
      ->capture_default_str();
  sub->add_option("--speed", request->speed, "Of the clock; 0: as fast as it can")
      ->check(finite_range(0.0, 1000.0));
  sub->add_option("--start", request->start_s, "Where to begin, seconds")
      ->check(finite_range(0.0, 86400.0));
  sub->add_option("--tempo", request->tempo, "1 as written, 2 twice as fast")
      ->check(finite_range(0.1, 10.0));
  sub->add_flag("--loop", request->loop, "Begin again at the end");
  sub->add_option("--loop-from", request->loop_from_s, "Repeat from here, seconds")
      ->check(finite_range(0.0, 86400.0));
  sub->add_option("--loop-to", request->loop_to_s, "to here")->check(finite_range(0.0, 86400.0));
  sub->add_option("--record", request->record, "Write what was played to this WAV (32-bit float)");
  sub->add_flag("--force", request->replace, "Replace an existing recording");
  sub->add_flag("--json", request->json, "Telemetry once a second, JSON lines on standard output");
  sub->add_flag("--quiet", request->quiet, "No picture");
  sub->callback([request, &action] { action = [request] { return run_play(*request); }; });
}

}  // namespace ondes
