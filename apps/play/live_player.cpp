#include "apps/play/live_player.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "apps/play/play_output.h"
#include "apps/play/play_source.h"
#include "apps/play/played_score.h"
#include "apps/play/recorder.h"
#include "apps/play/telemetry.h"
#include "apps/play/terminal_view.h"
#include "engine/error.h"
#include "engine/score/channel_controls.h"
#include "engine/stream/live_source.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPictureMs = 50;
constexpr int kPercussionChannel = 9;

// Messages become events, on the MIDI input's thread.
class Keyboard : public MidiReceiver {
 public:
  Keyboard(LiveSource& source, int morph_controller)
      : source_(source), controls_(morph_controller) {}

  void midi(std::int64_t arrival_ns, std::span<const std::uint8_t> bytes) noexcept override {
    if (bytes.empty() || bytes.size() > 3 || bytes[0] < 0x80U || bytes[0] >= 0xF0U) {
      return;
    }
    LiveEvent live;
    live.arrival_ns = arrival_ns;
    std::copy(bytes.begin(), bytes.end(), live.message.begin());
    live.event = meaning(live.message);
    source_.send(live);
  }

 private:
  std::optional<SynthEvent> meaning(const MidiMessage& message) noexcept {
    const int data1 = message[1] & 0x7F;
    const int data2 = message[2] & 0x7F;
    const unsigned kind = message[0] & 0xF0U;
    SynthEvent event;
    event.channel = message[0] & 0x0F;
    event.key = data1;
    if (event.channel == kPercussionChannel) {
      return std::nullopt;
    }
    if (kind == 0x90U && data2 > 0) {
      event.value = static_cast<float>(data2) / 127.0F;
      return event;
    }
    if (kind == 0x80U || kind == 0x90U) {
      event.kind = SynthEventKind::note_off;
      return event;
    }
    const std::optional<ChannelControl> control = controls_.message(message[0], data1, data2);
    if (!control) {
      return std::nullopt;
    }
    event.kind = SynthEventKind::control;
    event.control = control->kind;
    event.value = control->value;
    return event;
  }

  LiveSource& source_;
  ChannelControls controls_;
};

// Every note must be given time to be rendered: a device's turn, the lead of the ring, a block.
struct LivePlan {
  int block_frames = 32;
  int ahead_frames = 192;
  int latency_frames = 352;
};

LivePlan plan_latency(const OutputChoice& output, double latency_ms) {
  const int device = output.buffer_frames;
  LivePlan plan;
  plan.block_frames = std::clamp(device / 4, 16, 256);
  plan.ahead_frames = device + 2 * plan.block_frames;
  plan.latency_frames = device + plan.ahead_frames + plan.block_frames;
  const int wanted = static_cast<int>(std::lround(latency_ms * 1.0e-3 * output.sample_rate_hz));
  if (wanted > plan.latency_frames) {
    plan.ahead_frames += wanted - plan.latency_frames;
    plan.latency_frames = wanted;
  }
  return plan;
}

int instrument_index(const Voice& voice, const std::string& name, const char* option) {
  const auto& names = voice.contract.instruments;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error(ErrorCode::usage,
                fmt::format("{} {}: expected one of {}", option, name, fmt::join(names, ", ")));
  }
  return static_cast<int>(found - names.begin());
}

class LivePlayer {
 public:
  explicit LivePlayer(const LiveRequest& request);
  void run();

 private:
  std::unique_ptr<LiveSource> make_source();
  void begin_with_program();
  void fetch_played();
  void show(const PlayOutput& output);
  void finish();

  LiveRequest request_;
  std::shared_ptr<const Voice> voice_;
  OutputChoice output_;
  LivePlan plan_;
  std::unique_ptr<Stream> stream_;
  LiveSource* source_ = nullptr;  // the stream's
  std::unique_ptr<Recorder> recorder_;
  PlayedScore played_;
  PlayView view_;
};

LivePlayer::LivePlayer(const LiveRequest& request)
    : request_(request),
      voice_(std::make_shared<Voice>(load_voice(locate_voice(request.voice)))),
      played_("played live with " + voice_->file.name) {
  if (voice_->kind != VoiceKind::notes) {
    throw Error(ErrorCode::usage,
                fmt::format("--voice {}: expected a voice that plays notes", voice_->file.name));
  }
  output_ =
      choose_output({request.audio_device, voice_->file.sample_rate_hz, request.buffer_frames},
                    voice_->file.sample_rate_hz);
  plan_ = plan_latency(output_, request.latency_ms);
  StreamOptions options;
  options.sample_rate_hz = output_.sample_rate_hz;
  options.block_frames = plan_.block_frames;
  options.ahead_frames = plan_.ahead_frames;
  options.ends = false;
  stream_ = std::make_unique<Stream>(options);
}

std::unique_ptr<LiveSource> LivePlayer::make_source() {
  LiveSourceOptions options;
  options.synth = make_synth_options(*voice_, request_.render);
  options.latency_frames = plan_.latency_frames;
  const int program = std::max(request_.program, 0);
  const int instrument = options.synth.instrument_of_program[static_cast<std::size_t>(program)];
  const int instruments = static_cast<int>(voice_->contract.instruments.size());
  options.synth.morph_instrument = request_.morph_to.empty()
                                       ? (instrument + 1) % instruments
                                       : instrument_index(*voice_, request_.morph_to, "--morph-to");
  RenderOptions render = request_.render;
  render.threads = std::max(render.threads, 1);
  return std::make_unique<LiveSource>(
      make_synth_voice(voice_, render, render.max_lanes, plan_.block_frames), *stream_, options);
}

void LivePlayer::begin_with_program() {
  for (unsigned channel = 0; request_.program >= 0 && channel < kChannels; ++channel) {
    SynthEvent event;
    event.kind = SynthEventKind::control;
    event.control = ControlKind::program;
    event.channel = static_cast<int>(channel);
    event.value = static_cast<float>(request_.program);
    source_->send({0,
                   event,
                   {static_cast<std::uint8_t>(0xC0U | channel),
                    static_cast<std::uint8_t>(request_.program), 0}});
  }
}

void LivePlayer::fetch_played() {
  while (const std::optional<PlayedEvent> event = source_->take_played()) {
    if (!request_.score_out.empty()) {
      played_.add(static_cast<double>(event->stream_frame) / output_.sample_rate_hz,
                  event->message);
    }
  }
}

void LivePlayer::show(const PlayOutput& output) {
  view_.stream = stream_->telemetry();
  view_.voice = voice_->file.name;
  view_.device = output_.description;
  view_.temperature = request_.render.temperature.value_or(voice_->file.temperature);
  view_.latency_ms = 1000.0 * (static_cast<double>(plan_.latency_frames) / output_.sample_rate_hz +
                               output.latency_s());
  view_.late_events = source_->late_events();
  view_.lost_events = source_->lost_events();
  if (view_.stream.lane_limit > 0) {
    view_.message =
        fmt::format("the load was too high: at most {} notes at once now", view_.stream.lane_limit);
  }
}

void LivePlayer::finish() {
  fetch_played();
  if (recorder_) {
    recorder_->finish();
  }
  if (!request_.score_out.empty()) {
    played_.write(request_.score_out, request_.replace);
  }
  std::fputs(
      fmt::format("live: {} notes in {:.1f} s on {}; {} underruns; {} notes stolen; {} events "
                  "late, {} lost; latency {:.1f} ms\n",
                  view_.stream.source.notes,
                  static_cast<double>(view_.stream.device_frames) / output_.sample_rate_hz,
                  output_.description, view_.stream.underruns, view_.stream.source.stolen_notes,
                  view_.late_events, view_.lost_events, view_.latency_ms)
          .c_str(),
      stderr);
}

void LivePlayer::run() {
  if (!request_.score_out.empty()) {
    refuse_existing(request_.score_out, request_.replace);
  }
  if (!request_.record.empty()) {
    recorder_ = std::make_unique<Recorder>(request_.record, output_.sample_rate_hz, 2);
    stream_->set_tap(&recorder_->tap());
  }
  std::unique_ptr<LiveSource> source = make_source();
  source_ = source.get();
  begin_with_program();
  Keyboard keyboard(*source_, request_.morph_controller);
  stream_->play(std::move(source));
  stream_->start();
  PlayOutput output(*stream_, output_);
  const std::unique_ptr<MidiInput> input = open_midi_input(request_.midi, keyboard);
  view_.title = input->description();
  view_.keys = "space panic  q quit";
  output.start();
  std::fputs(
      fmt::format("live: {} on {}; a key is heard {:.1f} ms after it\n", view_.title,
                  output_.description,
                  1000.0 * (static_cast<double>(plan_.latency_frames) / output_.sample_rate_hz +
                            output.latency_s()))
          .c_str(),
      stderr);
  std::optional<TerminalView> terminal;
  if (!request_.quiet) {
    terminal.emplace();
  }
  const Clock::time_point begin = Clock::now();
  Clock::time_point next_telemetry = begin;
  bool quit = false;
  while (!quit && !interrupted()) {
    fetch_played();
    show(output);
    if (recorder_) {
      recorder_->check();
    }
    try {
      output.watch();
      if (!input->alive()) {
        throw Error(ErrorCode::no_device, "MIDI input: its server has ended");
      }
    } catch (const Error&) {
      terminal.reset();
      output.stop();
      stream_->stop();
      throw;
    }
    if (request_.json && Clock::now() >= next_telemetry) {
      std::fputs((telemetry_to_json(view_, output_.sample_rate_hz, 2).dump() + "\n").c_str(),
                 stdout);
      std::fflush(stdout);
      next_telemetry += std::chrono::seconds(1);
    }
    std::optional<PlayKey> key;
    if (terminal) {
      terminal->show(view_);
      key = terminal->key(kPictureMs);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(kPictureMs));
    }
    if (key == PlayKey::pause) {
      source_->panic();
    }
    quit = key == PlayKey::quit ||
           (request_.for_s > 0.0 &&
            std::chrono::duration<double>(Clock::now() - begin).count() >= request_.for_s);
  }
  stream_->pause(true);  // fades out; the device takes the fade before it closes
  std::this_thread::sleep_for(std::chrono::milliseconds(2 * kPictureMs));
  show(output);
  output.stop();
  fetch_played();
  terminal.reset();
  finish();
}

}  // namespace

void play_live(const LiveRequest& request) {
  if (!request.record.empty()) {
    refuse_existing(request.record, request.replace);
  }
  LivePlayer player(request);
  player.run();
}

}  // namespace ondes
