#include "apps/play/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "apps/play/play_list.h"
#include "apps/play/play_output.h"
#include "apps/play/recorder.h"
#include "apps/play/telemetry.h"
#include "apps/play/terminal_view.h"
#include "engine/error.h"
#include "engine/stream/stream_sizes.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPictureMs = 100;
constexpr double kTelemetryS = 1.0;
constexpr double kSeekS = 5.0;
constexpr double kSeekLittleS = 1.0;
constexpr double kTempoStep = 1.05;
constexpr double kTemperatureStep = 0.05;
constexpr double kShortestLoopS = 0.5;

class Player {
 public:
  explicit Player(const PlayRequest& request);
  void run();

 private:
  void measure();
  void handle(PlayKey key);
  void seek(double position_s);
  void change_tempo(double factor);
  void change_temperature(double step);
  void next_voice();
  void go_to(int item, double position_s);
  std::unique_ptr<StreamSource> source(double position_s) const;
  void post_loop();
  void follow_stream(const StreamTelemetry& telemetry);
  double position_s() const { return std::clamp(view_.stream.position_s, 0.0, view_.duration_s); }
  void say(std::string text) { view_.message = std::move(text); }
  void report();
  void load_item(int item);

  PlayRequest request_;
  std::vector<std::string> list_;
  std::vector<std::shared_ptr<const Voice>> voices_;
  std::size_t voice_ = 0;
  int item_ = 0;
  std::shared_ptr<const PlayInput> input_;
  PlaySettings settings_;
  OutputChoice output_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Recorder> recorder_;
  std::optional<double> loop_from_s_;
  std::optional<double> loop_to_s_;
  std::int64_t loop_number_ = 0;  // the source that the next turn begins with
  std::int64_t sounding_ = 0;     // the newest source that was posted to sound now
  PlayView view_;
  bool quit_ = false;
};

Player::Player(const PlayRequest& request) : request_(request), list_(play_list(request.inputs)) {
  for (const std::string& name : request.voices) {
    voices_.push_back(std::make_shared<Voice>(load_voice(locate_voice(name))));
  }
  loop_from_s_ = request.loop_from_s;
  loop_to_s_ = request.loop_to_s;
  if (loop_from_s_ && loop_to_s_ && *loop_to_s_ - *loop_from_s_ < kShortestLoopS) {
    throw Error(ErrorCode::usage, fmt::format("--loop-from, --loop-to: expected at least {} s "
                                              "between them, found {} s",
                                              kShortestLoopS, *loop_to_s_ - *loop_from_s_));
  }
  settings_.render = request.render;
  if (settings_.render.threads == 0) {
    settings_.render.threads = 1;
  }
  settings_.position.tempo = request.tempo;
  output_ =
      choose_output({request.audio_device, request.rate_hz, request.buffer_frames, request.speed},
                    voices_.front()->file.sample_rate_hz);
  settings_.sample_rate_hz = output_.sample_rate_hz;
  view_.device = output_.description;
  view_.keys = "space pause  arrows seek, tempo  [ ] loop  n p next  v voice  q quit";
  load_item(0);
  measure();
}

// Renders the first second, unheard, to see what a block costs; then sizes blocks and lead.
void Player::measure() {
  StreamDemand demand;
  demand.latency_ms = request_.latency_ms;
  demand.sample_rate_hz = settings_.sample_rate_hz;
  demand.device_frames = output_.buffer_frames;
  StreamSizes sizes = stream_sizes(demand);
  settings_.block_frames = sizes.block_frames;
  const std::unique_ptr<StreamSource> trial = source(request_.start_s);
  Buffer block(sizes.block_frames, 2);
  double busy_s = 0.0;
  std::int64_t frames = 0;
  while (frames < settings_.sample_rate_hz && busy_s < 2.0) {
    const Clock::time_point begin = Clock::now();
    const int made = trial->render(block.view(), frames);
    const double took_s = std::chrono::duration<double>(Clock::now() - begin).count();
    busy_s += took_s;
    frames += made;
    demand.slowest_block_s = std::max(demand.slowest_block_s, took_s);
    if (made < sizes.block_frames) {
      break;
    }
  }
  sizes = stream_sizes(demand);
  const double factor =
      busy_s * settings_.sample_rate_hz / static_cast<double>(std::max<std::int64_t>(frames, 1));
  if (factor > 0.9) {
    say(
        fmt::format("one second of sound takes {:.2f} s to make: there will be gaps; try "
                    "--precision i8 or another voice",
                    factor));
  }
  StreamOptions options;
  options.sample_rate_hz = settings_.sample_rate_hz;
  options.block_frames = sizes.block_frames;
  options.ahead_frames = sizes.ahead_frames;
  stream_ = std::make_unique<Stream>(options);
}

void Player::load_item(int item) {
  item_ = item;
  input_ =
      load_play_input(list_[static_cast<std::size_t>(item)], *voices_[voice_], settings_.render);
  view_.title = input_->name;
  view_.duration_s = input_->duration_s;
  view_.item = item;
  view_.items = static_cast<int>(list_.size());
  if (!input_->remarks.empty()) {
    say(input_->remarks.front());
  }
}

std::unique_ptr<StreamSource> Player::source(double position_s) const {
  PlaySettings settings = settings_;
  settings.position.start_s = position_s;
  return make_play_source(voices_[voice_], input_, settings);
}

void Player::go_to(int item, double position_s) {
  if (item != item_) {
    load_item(item);
  }
  seek(position_s);
}

void Player::seek(double position_s) {
  StreamSwitch now;
  now.flush = true;
  loop_number_ = 0;
  sounding_ = stream_->play(source(std::clamp(position_s, 0.0, view_.duration_s)), now);
}

// Tempo, temperature and voice change where rendering has come to: what sounds rings out.
void Player::change_tempo(double factor) {
  if (input_->score == nullptr) {
    say("tempo: for scores only");
    return;
  }
  const double position = view_.stream.source.position_s;
  settings_.position.tempo = std::clamp(settings_.position.tempo * factor, 0.1, 10.0);
  loop_number_ = 0;
  sounding_ = stream_->play(source(position));
}

void Player::change_temperature(double step) {
  const Voice& voice = *voices_[voice_];
  const double now = settings_.render.temperature.value_or(voice.file.temperature);
  settings_.render.temperature = std::clamp(now + step, 0.0, 2.0);
  loop_number_ = 0;
  sounding_ = stream_->play(source(view_.stream.source.position_s));
}

void Player::next_voice() {
  if (voices_.size() == 1) {
    say("voices: only one; give more with --voice A --voice B");
    return;
  }
  const std::size_t before = voice_;
  voice_ = (voice_ + 1) % voices_.size();
  try {
    const double position = view_.stream.source.position_s;
    auto replacement =
        load_play_input(list_[static_cast<std::size_t>(item_)], *voices_[voice_], settings_.render);
    std::swap(input_, replacement);
    loop_number_ = 0;
    sounding_ = stream_->play(source(position));
  } catch (const Error& error) {
    voice_ = before;
    say(error.what());
  }
}

// The next turn of a loop: prepared while the one before it sounds, begun at the exact frame.
void Player::post_loop() {
  if (!loop_from_s_ || !loop_to_s_ || loop_number_ != 0) {
    return;
  }
  const StreamTelemetry& stream = view_.stream;
  if (stream.source_number != sounding_ || stream.rendered_frames == 0) {
    return;  // a switch is on its way
  }
  const double left_s = (*loop_to_s_ - stream.source.position_s) / settings_.position.tempo;
  if (left_s < 0.0) {
    return;  // behind the loop's end already: the listener went there
  }
  StreamSwitch turn;
  turn.when = StreamSwitch::When::at_frame;
  turn.frame = stream.rendered_frames + std::llround(left_s * settings_.sample_rate_hz);
  loop_number_ = stream_->play(source(*loop_from_s_), turn);
}

void Player::handle(PlayKey key) {
  switch (key) {
    case PlayKey::pause:
      stream_->pause(!view_.stream.paused);
      return;
    case PlayKey::back:
      return seek(position_s() - kSeekS * settings_.position.tempo);
    case PlayKey::forward:
      return seek(position_s() + kSeekS * settings_.position.tempo);
    case PlayKey::back_little:
      return seek(position_s() - kSeekLittleS * settings_.position.tempo);
    case PlayKey::forward_little:
      return seek(position_s() + kSeekLittleS * settings_.position.tempo);
    case PlayKey::begin:
      return seek(0.0);
    case PlayKey::faster:
      return change_tempo(kTempoStep);
    case PlayKey::slower:
      return change_tempo(1.0 / kTempoStep);
    case PlayKey::loop_from:
      loop_from_s_ = position_s();
      loop_to_s_.reset();
      return;
    case PlayKey::loop_to:
      if (loop_from_s_ && position_s() - *loop_from_s_ >= kShortestLoopS) {
        loop_to_s_ = position_s();
        seek(*loop_from_s_);
      } else {
        say("loop: set its beginning first with [, half a second or more before ]");
      }
      return;
    case PlayKey::loop_off:
      if (loop_number_ != 0) {
        seek(position_s());  // takes back the turn that waits
      }
      loop_from_s_.reset();
      loop_to_s_.reset();
      return;
    case PlayKey::next:
      return go_to((item_ + 1) % static_cast<int>(list_.size()), 0.0);
    case PlayKey::previous:
      return go_to((item_ + static_cast<int>(list_.size()) - 1) % static_cast<int>(list_.size()),
                   0.0);
    case PlayKey::next_voice:
      return next_voice();
    case PlayKey::cooler:
      return change_temperature(-kTemperatureStep);
    case PlayKey::warmer:
      return change_temperature(kTemperatureStep);
    case PlayKey::quit:
      quit_ = true;
      return;
  }
}

void Player::follow_stream(const StreamTelemetry& telemetry) {
  view_.stream = telemetry;
  view_.tempo = settings_.position.tempo;
  view_.temperature = settings_.render.temperature.value_or(voices_[voice_]->file.temperature);
  view_.voice = voices_[voice_]->file.name;
  view_.loop_from_s = loop_from_s_.value_or(-1.0);
  view_.loop_to_s = loop_to_s_.value_or(-1.0);
  if (telemetry.lane_limit > 0) {
    say(fmt::format("the load was too high: at most {} notes at once now", telemetry.lane_limit));
  }
  if (loop_number_ != 0 && telemetry.source_number == loop_number_) {
    sounding_ = loop_number_;
    loop_number_ = 0;
  }
  post_loop();
}

void Player::report() {
  const StreamTelemetry& stream = view_.stream;
  std::fputs(fmt::format("{}: {:.2f} s played on {}; {} underruns; load {:.0f} %{}\n",
                         list_.size() == 1 ? view_.title : fmt::format("{} inputs", list_.size()),
                         static_cast<double>(stream.played_frames) / settings_.sample_rate_hz,
                         view_.device, stream.underruns, 100.0 * stream.load,
                         stream.underruns > 0 ? "; a larger --latency helps" : "")
                 .c_str(),
             stderr);
}

void Player::run() {
  const int rate_hz = settings_.sample_rate_hz;
  if (!request_.record.empty()) {
    recorder_ = std::make_unique<Recorder>(request_.record, rate_hz, 2);
    stream_->set_tap(&recorder_->tap());
  }
  sounding_ = stream_->play(source(request_.start_s));
  stream_->start();
  PlayOutput output(*stream_, output_);
  output.start();
  view_.latency_ms = 1000.0 * (static_cast<double>(stream_->options().ahead_frames) / rate_hz +
                               output.latency_s());
  std::optional<TerminalView> terminal;
  if (!request_.quiet) {
    terminal.emplace();
  }
  Clock::time_point next_telemetry = Clock::now();
  try {
    while (!quit_ && !interrupted()) {
      follow_stream(stream_->telemetry());
      if (recorder_) {
        recorder_->check();
      }
      if (view_.stream.finished) {
        const int next = item_ + 1;
        if (next == static_cast<int>(list_.size()) && !request_.loop) {
          break;
        }
        load_item(next % static_cast<int>(list_.size()));
        sounding_ = stream_->play(source(0.0));
        loop_number_ = 0;
      }
      output.watch();
      if (terminal) {
        terminal->show(view_);
      }
      if (request_.json && Clock::now() >= next_telemetry) {
        std::fputs((telemetry_to_json(view_, rate_hz, 2).dump() + "\n").c_str(), stdout);
        std::fflush(stdout);
        next_telemetry += std::chrono::milliseconds(static_cast<int>(1000 * kTelemetryS));
      }
      if (terminal) {
        if (const std::optional<PlayKey> key = terminal->key(kPictureMs)) {
          handle(*key);
        }
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(kPictureMs));
      }
    }
  } catch (const Error&) {
    terminal.reset();
    output.stop();
    stream_->stop();
    throw;
  }
  if (quit_ || interrupted()) {
    stream_->pause(true);  // fades out; the device takes the fade before it closes
    std::this_thread::sleep_for(std::chrono::milliseconds(kPictureMs));
  }
  output.stop();
  stream_->stop();
  view_.stream = stream_->telemetry();
  if (terminal) {
    terminal->show(view_);
    terminal.reset();
  }
  if (request_.json) {
    std::fputs((telemetry_to_json(view_, rate_hz, 2).dump() + "\n").c_str(), stdout);
  }
  if (recorder_) {
    recorder_->finish();
  }
  report();
  check_interrupted();
}

}  // namespace

void play(const PlayRequest& request) {
  if (!request.record.empty()) {
    refuse_existing(request.record, request.replace);
  }
  Player player(request);
  player.run();
}

}  // namespace ondes
