#include "apps/play/play_deck.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kAheadOfTurnS = 1.0;  // how early a loop's turn is posted, in time that passes
constexpr int kMostTurnsAhead = 16;
constexpr int kTries = 3;
constexpr std::size_t kMostReasons = 8;  // said at once

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

PlayDeck::PlayDeck(std::vector<PlayItem> items,
                   std::vector<std::shared_ptr<const Voice>> voices,
                   const PlaySettings& settings)
    : items_(std::move(items)),
      unplayable_(items_.size()),
      remarked_(items_.size()),
      voices_(std::move(voices)),
      settings_(settings) {
  PlayLoadRequest request{voices_[voice_], settings_.render, candidates({}), 0.0, 1};
  const PlayLoadResult first = load_inputs(request);
  pass_over(first.failures);
  if (first.loaded.empty()) {
    throw_reasons();
  }
  adopt(first.loaded.front());
}

// Of items none of which can be played.
void PlayDeck::throw_reasons() const {
  const Error& first = reasons_.front();
  if (reasons_.size() == 1) {
    throw Error(first);
  }
  std::string text = fmt::format("nothing that the voice {} plays among {} inputs",
                                 voice().file.name, reasons_.size());
  const std::size_t said = std::min(reasons_.size(), kMostReasons);
  for (std::size_t i = 0; i < said; ++i) {
    text += fmt::format("\n  {}", reasons_[i].what());
  }
  if (said < reasons_.size()) {
    text += fmt::format("\n  and {} more", reasons_.size() - said);
  }
  throw Error(first.code(), text);
}

void PlayDeck::adopt(LoadedInput loaded) {
  item_ = loaded.item;
  input_ = std::move(loaded.input);
  const auto at = static_cast<std::size_t>(item_);
  if (!remarked_[at]) {
    remarked_[at] = true;
    remarks_.insert(remarks_.end(), input_->remarks.begin(), input_->remarks.end());
  }
}

std::unique_ptr<StreamSource> PlayDeck::source(double position_s) const {
  return source_of(input_, position_s);
}

std::unique_ptr<StreamSource> PlayDeck::source_of(const std::shared_ptr<const PlayInput>& input,
                                                  double position_s) const {
  PlaySettings settings = settings_;
  settings.position.start_s = std::clamp(position_s, 0.0, input->duration_s);
  settings.position.tempo = tempo_of(*input);
  return make_play_source(voices_[voice_], input, settings);
}

double PlayDeck::tempo_of(const PlayInput& input) const {
  return input.score == nullptr ? 1.0 : settings_.position.tempo;
}

void PlayDeck::begin(Stream& stream, double position_s, double pace) {
  stream_ = &stream;
  pace_ = pace;
  const Clock::time_point before = Clock::now();
  sounding_ = stream.play(source(position_s));
  prepare_s_ = seconds_since(before);
}

bool PlayDeck::follow(const StreamTelemetry& telemetry) {
  telemetry_ = telemetry;
  adopt_begun();
  take_loaded();
  if (seek_ && seek_->number == kNotPosted) {
    seek(seek_->position_s);
  } else if (seek_ && telemetry.heard_number >= seek_->number) {
    seek_.reset();
  }
  load_ahead();
  if (telemetry.begun.number >= sounding_ &&
      !(seek_ && seek_->number == kNotPosted)) {  // otherwise a switch is on its way
    post_turns();
    post_items();
  }
  const bool finished = stream_->finished();
  const bool more = more_comes();
  note_wait(wish_ || (finished && more));
  return !finished || more;
}

double PlayDeck::here_s() const {
  return seek_ ? seek_->position_s : std::clamp(telemetry_.position_s, 0.0, input_->duration_s);
}

std::int64_t PlayDeck::frames(double seconds) const {
  return std::llround(seconds * settings_.sample_rate_hz);
}

// Where the current source is, or would be, at a frame of the stream; turns of a loop included.
double PlayDeck::position_at(std::int64_t frame) const {
  const SourceBegin& begun = telemetry_.begun;
  double position = begun.position_s + begun.speed *
                                           static_cast<double>(frame - begun.stream_frame) /
                                           settings_.sample_rate_hz;
  if (turns_until_ > 0 && position > *loop_.to_s) {
    position = *loop_.from_s + std::fmod(position - *loop_.from_s, *loop_.to_s - *loop_.from_s);
  }
  return position;
}

void PlayDeck::seek(double position_s) {
  turns_until_ = 0;
  unpost();
  seek_ = Seek{std::clamp(position_s, 0.0, input_->duration_s), kNotPosted};
  if (stream_->crowded()) {
    return;  // follow() tries again
  }
  StreamSwitch now;
  now.flush = true;
  seek_->number = sounding_ = stream_->play(source(seek_->position_s), now);
}

void PlayDeck::seek_by(double seconds) {
  seek(here_s() + seconds * tempo_of(*input_));
}

void PlayDeck::change_from_here() {
  if ((seek_ && telemetry_.begun.number < seek_->number) || stream_->crowded()) {
    return seek(here_s());
  }
  for (int tries = 1;; ++tries) {
    const double margin_s = (1.5 * prepare_s_ + 0.05) * pace_;
    const std::int64_t frame = stream_->rendered_frames() + frames(margin_s);
    const double position_s = position_at(frame);
    if (position_s >= input_->duration_s) {
      return;  // nothing of this item is left to be rendered
    }
    const Clock::time_point before = Clock::now();
    std::unique_ptr<StreamSource> changed = source(position_s);
    prepare_s_ = seconds_since(before);
    if (stream_->rendered_frames() >= frame && tries < kTries) {
      continue;  // too late for that frame: notes would be heard twice
    }
    StreamSwitch at;
    at.when = StreamSwitch::When::at_frame;
    at.frame = frame;
    at.instead = true;
    turns_until_ = 0;
    unpost();
    sounding_ = stream_->play(std::move(changed), at);
    return;
  }
}

void PlayDeck::change_tempo(double factor) {
  if (input_->score == nullptr) {
    say("tempo: for scores only");
    return;
  }
  settings_.position.tempo = std::clamp(settings_.position.tempo * factor, 0.1, 10.0);
  change_from_here();
}

void PlayDeck::change_temperature(double step) {
  if (voice().kind != VoiceKind::notes && !voice().autoregressive) {
    say(fmt::format("temperature: the voice {} draws no samples", voice().file.name));
    return;
  }
  const double now = settings_.render.temperature.value_or(voice().file.temperature);
  settings_.render.temperature = std::clamp(now + step, 0.0, 2.0);
  change_from_here();
}

// So many turns are posted that the control thread may sleep meanwhile.
void PlayDeck::post_turns() {
  if (!loop_.complete()) {
    return;
  }
  const std::int64_t rendered = stream_->rendered_frames();
  if (turns_until_ == 0) {
    const SourceBegin& begun = telemetry_.begun;
    const std::int64_t first =
        begun.stream_frame + frames((*loop_.to_s - begun.position_s) / begun.speed);
    if (first <= rendered) {
      return;  // behind the loop's end already: the listener went there
    }
    turns_until_ = first;
  }
  const std::int64_t turn = frames((*loop_.to_s - *loop_.from_s) / tempo_of(*input_));
  turns_until_ = std::max(turns_until_, rendered);  // too late for the exact frame: at once
  while (turns_until_ < rendered + frames(kAheadOfTurnS * pace_) &&
         turn_number_ - telemetry_.begun.number < kMostTurnsAhead) {
    StreamSwitch at;
    at.when = StreamSwitch::When::at_frame;
    at.frame = turns_until_;
    turn_number_ = stream_->play(source(*loop_.from_s), at);
    turns_until_ += turn;
  }
}

void PlayDeck::loop_from_here() {
  loop_off();
  loop_.from_s = here_s();
}

void PlayDeck::loop_to_here() {
  if (!loop_.from_s || here_s() - *loop_.from_s < kShortestLoopS) {
    say("loop: set its beginning first with [, half a second or more before ]");
    return;
  }
  loop_.to_s = here_s();
  seek(*loop_.from_s);
}

void PlayDeck::loop_off() {
  if (turns_until_ > 0) {
    stream_->cancel();
    turns_until_ = 0;
  }
  loop_ = {};
}

std::vector<std::string> PlayDeck::take_remarks() {
  return std::exchange(remarks_, {});
}

void PlayDeck::check_failures() const {
  if (failure_) {
    throw *failure_;
  }
}

}  // namespace ondes
