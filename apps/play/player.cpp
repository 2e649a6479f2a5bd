#include "apps/play/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "apps/broken_voice.h"
#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "apps/play/first_failure.h"
#include "apps/play/play_deck.h"
#include "apps/play/play_output.h"
#include "apps/play/recorder.h"
#include "apps/play/stream_watch.h"
#include "apps/play/terminal_view.h"
#include "engine/error.h"
#include "engine/stream/stream_sizes.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPictureMs = 100;
constexpr int kHurriedMs = 20;
constexpr std::chrono::seconds kTelemetryEvery{1};
constexpr double kSeekS = 5.0;
constexpr double kSeekLittleS = 1.0;
constexpr double kTempoStep = 1.05;
constexpr double kTemperatureStep = 0.05;
constexpr double kTrialS = 1.0;  // what is rendered unheard, to learn what a block costs
constexpr double kUnclockedPace = 100.0;
constexpr double kShownS = 0.01;  // what the length that a message shows may be rounded by

class Player {
 public:
  explicit Player(const PlayRequest& request);
  void run();

 private:
  void open_stream();
  void follow_device(PlayOutput& output);
  void loop_until_done(PlayOutput& output);
  void handle(PlayKey key);
  void look_at_stream();
  void remark(std::string text);
  void pass_on_remarks();
  void report();
  void end(PlayOutput& output, FirstFailure& failure);

  PlayRequest request_;
  OutputChoice output_;
  StreamDemand demand_;
  std::unique_ptr<PlayDeck> deck_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Recorder> recorder_;
  std::optional<TerminalView> terminal_;
  std::vector<std::string> unsaid_;  // remarks that were only seen in the picture
  PlayView view_;
  double pace_ = 1.0;  // how many times faster than sound the device is
  bool quit_ = false;
  bool done_ = false;
};

// Places that the first input does not have.
void check_places(const PlayRequest& request, const PlayInput& input) {
  const auto check = [&](const char* option, std::optional<double> place_s) {
    if (place_s && *place_s > 0.0 && *place_s >= input.duration_s) {
      throw Error(ErrorCode::usage, fmt::format("{}: expected less than {:.2f} s, which {} has, "
                                                "found {:g} s",
                                                option, input.duration_s, input.name, *place_s));
    }
  };
  check("--start", request.start_s);
  check("--loop-from", request.loop_from_s);
  if (request.loop_to_s && *request.loop_to_s > input.duration_s + kShownS) {
    throw Error(ErrorCode::usage, fmt::format("--loop-to: expected at most {:.2f} s, which {} has, "
                                              "found {:g} s",
                                              input.duration_s, input.name, *request.loop_to_s));
  }
  if (request.loop_to_s && request.start_s >= *request.loop_to_s) {
    throw Error(ErrorCode::usage,
                fmt::format("--start: expected a place before --loop-to, {:g} s, found {:g} s",
                            *request.loop_to_s, request.start_s));
  }
}

Player::Player(const PlayRequest& request) : request_(request) {
  std::vector<std::shared_ptr<const Voice>> voices;
  for (const std::string& name : request.voices) {
    voices.push_back(std::make_shared<Voice>(load_voice(locate_voice(name))));
  }
  if (request.tempo != 1.0 && voices.front()->kind != VoiceKind::notes) {
    throw Error(ErrorCode::usage, "--tempo: for scores only");
  }
  PlaySettings settings;
  settings.render = request.render;
  settings.render.threads = std::max(request.render.threads, 1);
  settings.position.tempo = request.tempo;
  std::vector<PlayItem> list = play_list(request.inputs);
  output_ =
      choose_output({request.audio_device, request.rate_hz, request.buffer_frames, request.speed},
                    voices.front()->file.sample_rate_hz);
  if (!output_.remark.empty()) {
    remark(output_.remark);
  }
  settings.sample_rate_hz = output_.sample_rate_hz;
  pace_ = request.speed > 0.0 ? request.speed : kUnclockedPace;
  view_.device = output_.description;
  view_.keys =
      "space pause  left right seek  up down tempo  [ ] l loop  n p item  t T temperature  "
      "v voice  q quit";
  deck_ = std::make_unique<PlayDeck>(std::move(list), std::move(voices), settings);
  check_places(request, deck_->input());
  PlayLoop loop{request.loop_from_s, request.loop_to_s};
  if (loop.to_s) {
    loop.to_s = std::min(*loop.to_s, deck_->input().duration_s);
  }
  deck_->set_loop(loop);
  deck_->set_repeats(request.loop);
  open_stream();
}

// Renders the first second, unheard, to see what a block costs; then sizes blocks and lead. A voice
// that breaks in it is refused.
void Player::open_stream() {
  demand_.latency_ms = request_.latency_ms;
  demand_.sample_rate_hz = output_.sample_rate_hz;
  demand_.device_frames = output_.buffer_frames;
  StreamSizes sizes = stream_sizes(demand_);
  deck_->settings().block_frames = sizes.block_frames;
  const std::unique_ptr<StreamSource> trial = deck_->source(request_.start_s);
  Buffer block(sizes.block_frames, 2);
  double busy_s = 0.0;
  std::int64_t frames = 0;
  int made = sizes.block_frames;
  while (made == sizes.block_frames && busy_s < 2.0 * kTrialS &&
         static_cast<double>(frames) < kTrialS * output_.sample_rate_hz) {
    const Clock::time_point begin = Clock::now();
    made = trial->render(block.view(), frames);
    const double took_s = std::chrono::duration<double>(Clock::now() - begin).count();
    if (finite_frames(block.view().subview(0, made)) < made) {
      throw broken_voice_error(trial->voice_name(), trial->state().position_s, trial->failure());
    }
    busy_s += took_s;
    frames += made;
    demand_.slowest_block_s = std::max(demand_.slowest_block_s, took_s);
  }
  sizes = stream_sizes(demand_);
  const double factor =
      busy_s * output_.sample_rate_hz / static_cast<double>(std::max<std::int64_t>(frames, 1));
  const bool has_deadline = request_.speed > 0.0;  // else the clock waits for what is not made yet
  if (factor > LoadMeter::kTooHigh && has_deadline) {
    const bool notes = deck_->input().score != nullptr;
    remark(fmt::format(
        "one second of sound takes {:.2f} s to make: {}; try --precision i8, {}another voice",
        factor, notes ? "notes will be left out, or there will be gaps" : "there will be gaps",
        notes ? "a smaller --max-lanes or " : "more --threads or "));
  }
  StreamOptions options;
  options.sample_rate_hz = output_.sample_rate_hz;
  options.block_frames = sizes.block_frames;
  options.ahead_frames = sizes.ahead_frames;
  StreamDemand most = demand_;
  most.device_frames = std::max(kMostDeviceFrames, output_.buffer_frames);
  options.most_ahead_frames = stream_sizes(most).ahead_frames;
  options.adapts_lanes = has_deadline;
  // The threads of a runner would not have the priority of the one that waits for them; a clock
  // that runs fast must not take a core from everybody.
  options.wants_priority = deck_->settings().render.threads == 1 && request_.speed == 1.0;
  stream_ = std::make_unique<Stream>(options);
}

// A device that has come to take more at once than it did needs a longer lead.
void Player::follow_device(PlayOutput& output) {
  const std::optional<int> turn_frames = output.changed_turn();
  if (turn_frames) {
    demand_.device_frames = *turn_frames;
    const int before = stream_->ahead_frames();
    stream_->set_ahead(stream_sizes(demand_).ahead_frames);
    if (stream_->ahead_frames() != before) {
      remark(fmt::format("the device now takes {} frames at once: rendering runs {:.0f} ms ahead",
                         *turn_frames, 1000.0 * stream_->ahead_frames() / output_.sample_rate_hz));
    }
  }
  view_.latency_ms =
      1000.0 *
      (static_cast<double>(stream_->ahead_frames()) / output_.sample_rate_hz + output.latency_s());
}

void Player::handle(PlayKey key) {
  switch (key) {
    case PlayKey::pause:
      return stream_->pause(!view_.stream.paused);
    case PlayKey::back:
      return deck_->seek_by(-kSeekS);
    case PlayKey::forward:
      return deck_->seek_by(kSeekS);
    case PlayKey::back_little:
      return deck_->seek_by(-kSeekLittleS);
    case PlayKey::forward_little:
      return deck_->seek_by(kSeekLittleS);
    case PlayKey::begin:
      return deck_->seek(0.0);
    case PlayKey::faster:
      return deck_->change_tempo(kTempoStep);
    case PlayKey::slower:
      return deck_->change_tempo(1.0 / kTempoStep);
    case PlayKey::loop_from:
      return deck_->loop_from_here();
    case PlayKey::loop_to:
      return deck_->loop_to_here();
    case PlayKey::loop_off:
      return deck_->loop_off();
    case PlayKey::next:
      return deck_->go_to_item(1);
    case PlayKey::previous:
      return deck_->go_to_item(-1);
    case PlayKey::next_voice:
      return deck_->next_voice();
    case PlayKey::cooler:
      return deck_->change_temperature(-kTemperatureStep);
    case PlayKey::warmer:
      return deck_->change_temperature(kTemperatureStep);
    case PlayKey::quit:
      quit_ = true;
      return;
  }
}

void Player::look_at_stream() {
  const int lane_limit = view_.stream.lane_limit;
  for (std::string& text : ondes::look_at_stream(*stream_, recorder_.get(), view_)) {
    remark(std::move(text));
  }
  const PlaySettings& settings = deck_->settings();
  view_.title = deck_->input().name;
  view_.duration_s = deck_->input().duration_s;
  view_.item = deck_->item();
  view_.items = deck_->items();
  view_.voice = deck_->voice().file.name;
  view_.tempo = deck_->input().score == nullptr ? 1.0 : settings.position.tempo;
  view_.temperature = settings.render.temperature.value_or(deck_->voice().file.temperature);
  view_.loop_from_s = deck_->loop().from_s.value_or(-1.0);
  view_.loop_to_s = deck_->loop().to_s.value_or(-1.0);
  const std::string waited_for = std::exchange(view_.waits_for, deck_->waits_for());
  if (waited_for != view_.waits_for && view_.message == wait_remark(waited_for)) {
    view_.message.clear();
  }
  if (!view_.waits_for.empty()) {
    view_.stream.finished = false;
  }
  if (const auto change =
          lane_limit_remark(lane_limit, view_.stream.lane_limit, view_.stream.position_s)) {
    remark(*change);
  }
}

void Player::remark(std::string text) {
  view_.message = text;
  unsaid_.push_back(std::move(text));
}

// Into the picture if there is one, and to standard error; the picture is in the way until it ends.
void Player::pass_on_remarks() {
  for (std::string& remark : deck_->take_remarks()) {
    view_.message = remark;
    unsaid_.push_back(std::move(remark));
  }
  if (terminal_ && terminal_->shows()) {
    return;
  }
  for (const std::string& remark : unsaid_) {
    std::fputs(fmt::format("ondes: {}\n", remark).c_str(), stderr);
  }
  unsaid_.clear();
}

void Player::report() {
  const StreamTelemetry& stream = view_.stream;
  std::fputs(
      fmt::format("{}: {:.2f} s played on {}; {} underruns; load {:.0f} %{}\n",
                  deck_->items() == 1 ? view_.title : fmt::format("{} inputs", deck_->items()),
                  static_cast<double>(stream.played_frames) / output_.sample_rate_hz, view_.device,
                  stream.underruns, 100.0 * stream.load,
                  stream.underruns > 0 ? "; a larger --latency helps" : "")
          .c_str(),
      stderr);
}

void Player::loop_until_done(PlayOutput& output) {
  Clock::time_point next_telemetry = Clock::now();
  // A clock that runs faster needs its next turns and items earlier.
  const auto rest = [&](int ms) {
    return std::chrono::microseconds(static_cast<int>(1000 * ms / std::max(pace_, 1.0)));
  };
  while (true) {
    look_at_stream();
    done_ = !deck_->follow(view_.stream);
    pass_on_remarks();
    if (done_ || quit_ || interrupted() || view_.stream.broken) {
      return;
    }
    output.watch();
    follow_device(output);
    if (request_.json && Clock::now() >= next_telemetry) {
      print_telemetry(view_, output_.sample_rate_hz);
      next_telemetry += kTelemetryEvery;
      if (next_telemetry <= Clock::now()) {  // lines that were missed are not caught up
        next_telemetry = Clock::now() + kTelemetryEvery;
      }
    }
    const int turn_ms = deck_->hurries() ? kHurriedMs : kPictureMs;
    if (!terminal_) {
      std::this_thread::sleep_for(rest(turn_ms));
      continue;
    }
    terminal_->show(view_);
    if (const std::optional<PlayKey> key = terminal_->key(turn_ms)) {
      look_at_stream();  // as it is now, not as it was before the key was waited for
      deck_->follow(view_.stream);
      handle(*key);
    }
  }
}

void Player::run() {
  if (!request_.record.empty()) {
    recorder_ = std::make_unique<Recorder>(request_.record, output_.sample_rate_hz, 2);
    stream_->set_tap(&recorder_->tap());
  }
  deck_->begin(*stream_, request_.start_s, pace_);
  stream_->start([] { return !interrupted(); });
  deck_->look_ahead([] { return !interrupted(); });  // what comes next is known before it is due
  PlayOutput output(*stream_, output_);
  output.start();
  follow_device(output);
  if (!request_.quiet) {
    terminal_.emplace();
  }
  FirstFailure failure;
  failure.attempt([&] { loop_until_done(output); });
  if (failure.is(ErrorCode::interrupted)) {
    failure.clear();  // ends in order
  }
  if (!failure.any() && (quit_ || interrupted())) {
    stream_->pause(true);  // fades out; the device takes the fade before it closes
    std::this_thread::sleep_for(std::chrono::milliseconds(kPictureMs));
  }
  end(output, failure);
  failure.throw_it();
  if (interrupted()) {
    throw Error(
        ErrorCode::interrupted,
        fmt::format("interrupted after {:.1f} s{}",
                    static_cast<double>(view_.stream.played_frames) / output_.sample_rate_hz,
                    recorder_ ? ", which " + request_.record + " holds" : ""));
  }
  deck_->check_failures();
}

// What was played is recorded also where the device was lost.
void Player::end(PlayOutput& output, FirstFailure& failure) {
  view_.stopped = true;
  const bool closed = output.stop();
  if (closed) {
    stream_->stop();
  }
  look_at_stream();
  if (closed) {
    failure.attempt([&] { check_voice(*stream_, view_, BreakTime::of_source); });
  }
  if (terminal_) {
    terminal_->show(view_);
    terminal_.reset();
  }
  pass_on_remarks();
  if (request_.json) {
    print_telemetry(view_, output_.sample_rate_hz);
  }
  if (recorder_) {
    failure.attempt([&] { recorder_->finish(stream_->tap_lost_frames()); });
  }
  report();
  if (!closed) {
    PlayOutput::leave(failure);
  }
}

}  // namespace

void play(const PlayRequest& request) {
  if (request.loop_from_s && request.loop_to_s &&
      *request.loop_to_s - *request.loop_from_s < kShortestLoopS) {
    throw Error(ErrorCode::usage,
                fmt::format("--loop-from, --loop-to: expected at least {:g} s "
                            "between them, found {:g} s",
                            kShortestLoopS, *request.loop_to_s - *request.loop_from_s));
  }
  if (!request.record.empty()) {
    refuse_mixed_output(request.record, request.json, "--record");
    refuse_existing(request.record, request.replace);
    for (const std::string& input : request.inputs) {
      refuse_own_input(input, request.record);
    }
  }
  Player player(request);
  player.run();
}

}  // namespace ondes
