#include "apps/play/live_player.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "apps/play/first_failure.h"
#include "apps/play/keyboard.h"
#include "apps/play/live_lines.h"
#include "apps/play/live_plan.h"
#include "apps/play/play_output.h"
#include "apps/play/play_source.h"
#include "apps/play/played_score.h"
#include "apps/play/recorder.h"
#include "apps/play/stream_watch.h"
#include "apps/play/terminal_view.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/stream/live_source.h"
#include "engine/stream/stream_resampler.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPictureMs = 50;

int instrument_index(const Voice& voice, const std::string& name, const char* option) {
  const auto& names = voice.contract.instruments;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error(ErrorCode::usage,
                fmt::format("{} {}: expected one of {}", option, name, fmt::join(names, ", ")));
  }
  return static_cast<int>(found - names.begin());
}

// A take is not to be lost because of its score's name: throws what writing it would.
void refuse_unwritable(const std::string& path) {
  if (!is_special_output(path)) {
    const AtomicFileWriter tried(path);
  }
}

class LivePlayer {
 public:
  explicit LivePlayer(const LiveRequest& request);
  void run();

 private:
  const Voice& voice() const { return *voices_[voice_]; }
  // What the change from the voice's rate to the device's adds to the latency.
  double conversion_s() const {
    return StreamResampler::delay_s(voice().file.sample_rate_hz, output_.sample_rate_hz);
  }
  const LivePlan& plan() const { return followed_->plan(); }
  double latency_ms() const;
  std::unique_ptr<LiveSource> make_source(std::shared_ptr<LiveLine> line, bool follows);
  RenderOptions runner_options() const;
  void begin_source(bool follows);
  void next_voice();
  void begin_with_program();
  void find_lanes();
  void fetch_played();
  void look_at_stream();
  void follow_device(PlayOutput& output);
  void loop_until_done(PlayOutput& output, const MidiInput& input);
  void handle(PlayKey key);
  void say(const std::string& text);
  void finish(PlayOutput& output, FirstFailure& failure);
  void report() const;

  LiveRequest request_;
  std::vector<std::shared_ptr<const Voice>> voices_;
  std::vector<int> lanes_;  // (voices): that each begins with
  std::size_t voice_ = 0;
  OutputChoice output_;
  std::optional<FollowedPlan> followed_;  // from the constructor on
  double device_latency_s_ = 0.0;
  std::unique_ptr<Stream> stream_;
  Keyboard keyboard_;
  LiveLines lines_;
  std::unique_ptr<Recorder> recorder_;
  PlayedScore played_;
  std::optional<TerminalView> terminal_;
  PlayView view_;
  bool quit_ = false;
};

std::vector<std::shared_ptr<const Voice>> load_voices(const LiveRequest& request) {
  std::vector<std::shared_ptr<const Voice>> voices;
  for (const std::string& name : request.voices) {
    voices.push_back(std::make_shared<Voice>(load_voice(locate_voice(name))));
    const Voice& voice = *voices.back();
    if (voice.kind != VoiceKind::notes) {
      throw Error(ErrorCode::usage,
                  fmt::format("--voice {}: expected a voice that plays notes", voice.file.name));
    }
    if (request.render.speaker) {
      static_cast<void>(speaker_index(voice, *request.render.speaker));  // it has none: says so
    }
  }
  return voices;
}

LivePlayer::LivePlayer(const LiveRequest& request)
    : request_(request),
      voices_(load_voices(request)),
      keyboard_(request.morph_controller),
      played_("played live with " + voices_.front()->file.name) {
  output_ = choose_output({request.audio_device, request.rate_hz, request.buffer_frames},
                          voice().file.sample_rate_hz);
  followed_.emplace(output_.buffer_frames, kMostDeviceFrames, output_.sample_rate_hz,
                    request.latency_ms - 1000.0 * conversion_s());
  StreamOptions options;
  options.sample_rate_hz = output_.sample_rate_hz;
  options.block_frames = plan().block_frames;
  options.ahead_frames = plan().ahead_frames;
  options.most_ahead_frames = followed_->most_ahead_frames();
  options.ends = false;
  options.wants_priority = request.render.threads <= 1;
  stream_ = std::make_unique<Stream>(options);
}

std::unique_ptr<LiveSource> LivePlayer::make_source(std::shared_ptr<LiveLine> line, bool follows) {
  LiveSourceOptions options;
  options.synth = make_synth_options(voice(), request_.render);
  options.changing_latency_frames = followed_->latency_frames();
  options.lanes = lanes_[voice_];
  options.follows = follows;
  options.beginnings = keyboard_.controls();
  const int program = std::max(request_.program, 0);
  const int instrument = options.synth.instrument_of_program[static_cast<std::size_t>(program)];
  const int instruments = static_cast<int>(voice().contract.instruments.size());
  options.synth.morph_instrument = request_.morph_to.empty()
                                       ? (instrument + 1) % instruments
                                       : instrument_index(voice(), request_.morph_to, "--morph-to");
  return std::make_unique<LiveSource>(
      make_synth_voice(voices_[voice_], runner_options(), request_.render.max_lanes,
                       plan().block_frames),
      *stream_, std::move(line), std::move(options));
}

// The line is there before the controllers are looked at: what moves meanwhile comes through it.
void LivePlayer::begin_source(bool follows) {
  auto line = std::make_shared<LiveLine>();
  keyboard_.add_line(line);
  lines_.add(line);
  stream_->play(make_source(std::move(line), follows));
}

void LivePlayer::next_voice() {
  if (voices_.size() == 1) {
    view_.message = "voices: only one; give more with --voice A --voice B";
    return;
  }
  const std::size_t before = voice_;
  voice_ = (voice_ + 1) % voices_.size();
  try {
    begin_source(true);
  } catch (const Error& error) {
    lines_.newest().close();
    voice_ = before;
    view_.message = error.what();
  }
}

RenderOptions LivePlayer::runner_options() const {
  RenderOptions render = request_.render;
  render.threads = std::max(render.threads, 1);
  return render;
}

// A voice that this machine cannot play on all lanes is told of before the concert, and begins with
// those that fit: a lead of milliseconds is over before a load can be measured. The stream allows
// more where there is time for them.
void LivePlayer::find_lanes() {
  for (const std::shared_ptr<const Voice>& voice : voices_) {
    const LiveTrial trial = try_voice(
        make_synth_voice(voice, runner_options(), request_.render.max_lanes, plan().block_frames),
        make_synth_options(*voice, request_.render), plan().block_frames);
    lanes_.push_back(trial.fitting_lanes);
    if (trial.fitting_lanes < request_.render.max_lanes) {
      say(
          fmt::format("this machine makes about {} of {} notes of {} at once: that many to begin "
                      "with; try --precision i8, a smaller --max-lanes or another voice",
                      trial.fitting_lanes, request_.render.max_lanes, voice->file.name));
    }
  }
}

void LivePlayer::begin_with_program() {
  for (unsigned channel = 0; request_.program >= 0 && channel < kChannels; ++channel) {
    const std::array<std::uint8_t, 2> message{static_cast<std::uint8_t>(0xC0U | channel),
                                              static_cast<std::uint8_t>(request_.program)};
    keyboard_.midi(0, message);
  }
}

void LivePlayer::fetch_played() {
  lines_.fetch([&](const PlayedEvent& event) {
    if (!request_.score_out.empty()) {
      played_.add(static_cast<double>(event.stream_frame) / output_.sample_rate_hz, event.message);
    }
  });
}

void LivePlayer::look_at_stream() {
  const StreamTelemetry before = view_.stream;
  for (const std::string& text : ondes::look_at_stream(*stream_, recorder_.get(), view_)) {
    say(text);
  }
  view_.voice_rate_hz = voice().file.sample_rate_hz;
  view_.voice = voice().file.name;
  view_.device = output_.description;
  view_.temperature = request_.render.temperature.value_or(voice().file.temperature);
  view_.latency_ms = latency_ms();
  const LineCounts counts = lines_.counts();
  view_.late_events = counts.late_events;
  view_.lost_events = counts.lost_events;
  // What a source begins with has been said.
  const auto remark =
      source_limit_remark(before, view_.stream,
                          static_cast<double>(view_.stream.device_frames) / output_.sample_rate_hz);
  if (remark) {
    say(*remark);
  }
}

// Into the picture; to standard error where there is none.
void LivePlayer::say(const std::string& text) {
  view_.message = text;
  if (!terminal_ || !terminal_->shows()) {
    std::fputs(fmt::format("ondes: {}\n", text).c_str(), stderr);
  }
}

double LivePlayer::latency_ms() const {
  return 1000.0 * (static_cast<double>(plan().latency_frames) / output_.sample_rate_hz +
                   conversion_s() + device_latency_s_);
}

// What was played is written, and gets its names, also where the device or the keyboard was lost.
void LivePlayer::finish(PlayOutput& output, FirstFailure& failure) {
  const bool closed = output.stop();
  if (closed) {
    stream_->stop();
  }
  look_at_stream();
  fetch_played();
  if (closed) {
    failure.attempt([&] { check_voice(*stream_, view_, BreakTime::of_stream); });
  }
  terminal_.reset();
  if (request_.json) {
    print_telemetry(view_, output_.sample_rate_hz);
  }
  if (!request_.score_out.empty()) {
    played_.end(static_cast<double>(stream_->rendered_frames()) / output_.sample_rate_hz);
    failure.attempt([&] {
      refuse_existing(request_.score_out, request_.replace);
      played_.write(request_.score_out);
    });
  }
  if (recorder_) {
    failure.attempt([&] { recorder_->finish(stream_->tap_lost_frames()); });
  }
  report();
  if (!closed) {
    PlayOutput::leave(failure);
  }
  failure.throw_it();
}

void LivePlayer::report() const {
  const LineCounts all = lines_.counts();
  std::fputs(
      fmt::format("live: {} notes in {:.1f} s on {}; {} underruns; {} notes stolen; {} events "
                  "late, {} lost; latency {:.1f} ms\n",
                  all.notes,
                  static_cast<double>(view_.stream.device_frames) / output_.sample_rate_hz,
                  output_.description, view_.stream.underruns, all.stolen_notes, all.late_events,
                  all.lost_events, view_.latency_ms)
          .c_str(),
      stderr);
}

void LivePlayer::handle(PlayKey key) {
  switch (key) {
    case PlayKey::pause:
      keyboard_.panic();
      view_.message = "panic: everything is silent, every controller is back";
      return;
    case PlayKey::next_voice:
      return next_voice();
    case PlayKey::quit:
      quit_ = true;
      return;
    default:
      return;
  }
}

void LivePlayer::follow_device(PlayOutput& output) {
  const std::optional<int> turn_frames = output.changed_turn();
  if (turn_frames) {
    followed_->change_device(*turn_frames);
    device_latency_s_ = output.latency_s();
    say(fmt::format("the device now takes {} frames at once: a key is heard {:.1f} ms after it",
                    *turn_frames, latency_ms()));
  }
  followed_->apply(*stream_, view_.stream.ahead_frames);
}

void LivePlayer::loop_until_done(PlayOutput& output, const MidiInput& input) {
  const Clock::time_point begin = Clock::now();
  Clock::time_point next_telemetry = begin;
  while (!quit_ && !interrupted()) {
    fetch_played();
    look_at_stream();
    if (view_.stream.broken) {
      return;
    }
    output.watch();
    follow_device(output);
    if (!input.alive()) {
      throw Error(ErrorCode::no_device, "MIDI input: its server has ended");
    }
    if (request_.json && Clock::now() >= next_telemetry) {
      print_telemetry(view_, output_.sample_rate_hz);
      next_telemetry += std::chrono::seconds(1);
    }
    if (terminal_) {
      terminal_->show(view_);
      if (const std::optional<PlayKey> key = terminal_->key(kPictureMs)) {
        handle(*key);
      }
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(kPictureMs));
    }
    quit_ =
        quit_ || (request_.for_s > 0.0 &&
                  std::chrono::duration<double>(Clock::now() - begin).count() >= request_.for_s);
  }
}

void LivePlayer::run() {
  if (!request_.record.empty()) {
    recorder_ = std::make_unique<Recorder>(request_.record, output_.sample_rate_hz, 2);
    stream_->set_tap(&recorder_->tap());
  }
  if (!output_.remark.empty()) {
    say(output_.remark);
  }
  find_lanes();
  begin_source(false);
  begin_with_program();
  stream_->start([] { return !interrupted(); });
  PlayOutput output(*stream_, output_);
  const std::unique_ptr<MidiInput> input = open_midi_input(request_.midi, keyboard_);
  view_.title = input->description();
  view_.keys = "space panic  v voice  q quit";
  output.start();
  device_latency_s_ = output.latency_s();
  std::fputs(
      fmt::format("live: {} on {}; a key is heard {:.1f} ms after it{}\n", view_.title,
                  output_.description, latency_ms(),
                  conversion_s() > 0.0
                      ? fmt::format(" (the voice's {} Hz are converted to {} Hz, {:.1f} ms of it)",
                                    voice().file.sample_rate_hz, output_.sample_rate_hz,
                                    1000.0 * conversion_s())
                      : "")
          .c_str(),
      stderr);
  if (!request_.quiet) {
    terminal_.emplace();
  }
  FirstFailure failure;
  failure.attempt([&] { loop_until_done(output, *input); });
  if (!failure.is(ErrorCode::no_device)) {
    stream_->pause(true);  // fades out; the device takes the fade before it closes
    std::this_thread::sleep_for(std::chrono::milliseconds(2 * kPictureMs));
  }
  finish(output, failure);
}

}  // namespace

void play_live(const LiveRequest& request) {
  const bool one_output =
      request.record == request.score_out ||
      (is_standard_output(request.record) && is_standard_output(request.score_out));
  if (!request.record.empty() && one_output) {
    throw Error(ErrorCode::usage, fmt::format("--record and --score-out: expected two files, found "
                                              "{} for both",
                                              request.record));
  }
  if (!request.record.empty()) {
    refuse_mixed_output(request.record, request.json, "--record");
    refuse_existing(request.record, request.replace);
  }
  if (!request.score_out.empty()) {
    refuse_mixed_output(request.score_out, request.json, "--score-out");
    refuse_existing(request.score_out, request.replace);
    refuse_unwritable(request.score_out);
  }
  LivePlayer player(request);
  player.run();
}

}  // namespace ondes
