// PlayDeck: what comes next, by itself or because a hand asked for it.
#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "apps/play/play_deck.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kAheadOfItemsS = 1.0;  // how much sound is posted, in time that passes
constexpr int kMostItemsAhead = 24;
constexpr double kPreparedAheadS = 0.25;  // of work: what takes long to make takes memory, too
constexpr std::chrono::milliseconds kAtMostBeforeSound{1000};
constexpr std::chrono::milliseconds kQuickLoad{30};  // is waited for
constexpr std::chrono::milliseconds kWaitToTell{100};

}  // namespace

std::string wait_remark(const std::string& name) {
  return fmt::format("waits for {} to load", name);
}

void PlayDeck::look_ahead(const std::function<bool()>& goes_on) {
  const Clock::time_point until = Clock::now() + kAtMostBeforeSound;
  while (follow(stream_->telemetry()) && loader_.busy() && ahead_s() < lead_s() && goes_on() &&
         Clock::now() < until) {
    loader_.wait(std::chrono::milliseconds(1));
  }
}

// What is held in memory anyhow.
std::shared_ptr<const PlayInput> PlayDeck::known(int item) const {
  if (item == item_) {
    return input_;
  }
  for (const Posted& posted : posted_) {
    if (posted.loaded.item == item) {
      return posted.loaded.input;
    }
  }
  for (const std::deque<LoadedInput>* list : {&ready_, &heard_}) {
    for (const LoadedInput& loaded : *list) {
      if (loaded.item == item) {
        return loaded.input;
      }
    }
  }
  return nullptr;
}

// From the item that is wished for, at most once around the list.
std::vector<PlayCandidate> PlayDeck::candidates(const Wish& wish) const {
  std::vector<PlayCandidate> result;
  const bool same_voice = wish.voice == voice_;  // another one takes other things
  int item = wish.item;
  for (int tries = 0; tries < (wish.stays ? 1 : items()); ++tries) {
    const auto at = static_cast<std::size_t>(item);
    if (!same_voice || !unplayable_[at]) {
      result.push_back({item, items_[at].path, same_voice ? known(item) : nullptr});
    }
    item = (item + wish.step + items()) % items();
  }
  return result;
}

// What follows an item without anybody's asking; of a list that repeats, at least a time around.
std::vector<PlayCandidate> PlayDeck::candidates_after(int item) const {
  std::vector<PlayCandidate> result;
  const int count = repeats_ ? std::max(items(), kMostItemsAhead) : items() - 1 - item;
  for (int i = 1; i <= count; ++i) {
    const int next = (item + i) % items();
    const auto at = static_cast<std::size_t>(next);
    if (!unplayable_[at]) {
      result.push_back({next, items_[at].path, known(next)});
    }
  }
  return result;
}

void PlayDeck::pass_over(const std::vector<PlayLoadResult::Failure>& failures) {
  for (const PlayLoadResult::Failure& failed : failures) {
    const auto at = static_cast<std::size_t>(failed.item);
    unplayable_[at] = true;
    if (!input_) {
      reasons_.push_back(failed.error);
    }
    if (!items_[at].from_folder && !failure_) {
      failure_ = failed.error;
    }
    if (items() > 1) {
      say(fmt::format("passed over: {}", failed.error.what()));
    }
  }
}

void PlayDeck::go_to_item(int step) {
  Wish wish{voice_, item_, step, false};
  if (wish_) {
    wish.voice = wish_->voice;
    wish.item = wish_->stays ? item_ : wish_->item;
  }
  wish.item = (wish.item + step + items()) % items();
  ask_for(wish);
}

void PlayDeck::next_voice() {
  if (voices_.size() == 1) {
    say("voices: only one; give more with --voice A --voice B");
    return;
  }
  Wish wish = wish_.value_or(Wish{voice_, item_, 1, true});
  wish.voice = (wish.voice + 1) % voices_.size();
  ask_for(wish);
}

void PlayDeck::ask_for(const Wish& wish) {
  wish_ = wish;
  loader_.begin({voices_[wish.voice], settings_.render, candidates(wish), 0.0, 1});
  loader_.wait(kQuickLoad);
  take_loaded();
}

void PlayDeck::take_loaded() {
  const std::optional<PlayLoadResult> result = loader_.take();
  if (!result) {
    return;
  }
  if (wish_) {
    grant(*std::exchange(wish_, std::nullopt), *result);
    return;
  }
  pass_over(result->failures);
  ready_.insert(ready_.end(), result->loaded.begin(), result->loaded.end());
}

void PlayDeck::grant(const Wish& wish, const PlayLoadResult& result) {
  if (wish.stays) {
    if (wish.item != item_) {
      ask_for({wish.voice, item_, 1, true});  // another item has begun meanwhile
    } else if (result.loaded.empty()) {
      say_why(result);
    } else {
      change_voice(wish.voice, result.loaded.front().input);
    }
    return;
  }
  if (wish.voice != voice_) {
    if (result.loaded.empty()) {
      return say_why(result);
    }
    voice_ = wish.voice;
    forget();
  }
  pass_over(result.failures);
  if (!result.loaded.empty()) {
    adopt(result.loaded.front());
  }
  seek(0.0);
  ready_.clear();  // it followed another item
}

void PlayDeck::say_why(const PlayLoadResult& result) {
  if (!result.failures.empty()) {
    say(result.failures.front().error.what());
  }
}

void PlayDeck::change_voice(std::size_t voice, std::shared_ptr<const PlayInput> input) {
  const std::size_t voice_before = std::exchange(voice_, voice);
  const std::shared_ptr<const PlayInput> input_before = std::exchange(input_, std::move(input));
  try {
    change_from_here();
  } catch (const Error& error) {
    voice_ = voice_before;
    input_ = input_before;
    say(error.what());
    return;
  }
  if (!posted_.empty()) {  // nothing was left of the item: the voice begins with the next one
    stream_->cancel();
    posted_.clear();
  }
  ready_.clear();
  forget();
}

// Another voice takes other things, and has other remarks.
void PlayDeck::forget() {
  heard_.clear();
  unplayable_.assign(items_.size(), false);
  remarked_.assign(items_.size(), false);
}

void PlayDeck::adopt_begun() {
  while (!posted_.empty() && telemetry_.begun.number >= posted_.front().number) {
    sounding_ = posted_.front().number;
    keep_short();
    adopt(std::move(posted_.front().loaded));
    posted_.pop_front();
  }
}

// Before another item becomes the current one.
void PlayDeck::keep_short() {
  if (!repeats_ || input_->duration_s > kAheadOfItemsS || items() == 1) {
    return;
  }
  std::erase_if(heard_, [&](const LoadedInput& loaded) { return loaded.item == item_; });
  heard_.push_back({item_, input_});
  if (heard_.size() > static_cast<std::size_t>(kMostItemsAhead)) {
    heard_.pop_front();
  }
}

// The stream drops what was posted; it follows what is posted instead.
void PlayDeck::unpost() {
  for (; !posted_.empty(); posted_.pop_back()) {
    ready_.push_front(std::move(posted_.back().loaded));
  }
}

double PlayDeck::lead_s() const {
  return std::max(kAheadOfItemsS, 4.0 * prepare_s_) * pace_;
}

int PlayDeck::most_ahead() const {
  return static_cast<int>(std::clamp(kPreparedAheadS / prepare_s_, 2.0, 1.0 * kMostItemsAhead));
}

// How much sound is left that is not rendered yet.
double PlayDeck::ahead_s() const {
  if (stream_->finished()) {
    return 0.0;  // whatever was expected of it
  }
  double ahead_s = std::max(input_->duration_s - position_at(stream_->rendered_frames()), 0.0) /
                   telemetry_.begun.speed;
  for (const Posted& posted : posted_) {
    ahead_s += posted.duration_s;
  }
  return ahead_s;
}

// As soon as an item begins, the next one; of short ones as many as are needed.
void PlayDeck::load_ahead() {
  const int count = static_cast<int>(posted_.size() + ready_.size());
  const int most = most_ahead();
  if (wish_ || loop_.complete() || count >= most || loader_.busy()) {
    return;
  }
  double follows_s = 0.0;
  for (const Posted& posted : posted_) {
    follows_s += posted.duration_s;
  }
  for (const LoadedInput& loaded : ready_) {
    follows_s += loaded.input->duration_s / tempo_of(*loaded.input);
  }
  const double wanted_s = lead_s() - follows_s;
  if (wanted_s <= 0.0) {
    return;
  }
  const int last = !ready_.empty()    ? ready_.back().item
                   : !posted_.empty() ? posted_.back().loaded.item
                                      : item_;
  PlayLoadRequest request{voices_[voice_], settings_.render, candidates_after(last), wanted_s,
                          most - count};
  const bool all_known =
      std::all_of(request.candidates.begin(), request.candidates.end(),
                  [](const PlayCandidate& candidate) { return candidate.input != nullptr; });
  if (all_known) {
    const PlayLoadResult result = load_inputs(request);
    ready_.insert(ready_.end(), result.loaded.begin(), result.loaded.end());
  } else {
    loader_.begin(std::move(request));
  }
}

void PlayDeck::post_items() {
  if (loop_.complete()) {
    return;
  }
  const int most = most_ahead();
  while (!ready_.empty() && ahead_s() < lead_s() && static_cast<int>(posted_.size()) < most &&
         !stream_->crowded()) {
    const std::shared_ptr<const PlayInput>& input = ready_.front().input;
    StreamSwitch at_end;
    at_end.when = StreamSwitch::When::at_end;
    const double duration_s = input->duration_s / tempo_of(*input);
    const Clock::time_point before = Clock::now();
    const std::int64_t number = stream_->play(source_of(input, 0.0), at_end);
    prepare_s_ = std::chrono::duration<double>(Clock::now() - before).count();
    posted_.push_back({std::move(ready_.front()), number, duration_s});
    ready_.pop_front();
  }
}

// Whether more is to be heard than what was posted.
bool PlayDeck::more_comes() const {
  return wish_ || (seek_ && seek_->number == kNotPosted) ||
         (!loop_.complete() && (loader_.busy() || !ready_.empty()));
}

void PlayDeck::note_wait(bool waits) {
  if (!waits) {
    waits_since_.reset();
    said_wait_ = false;
    return;
  }
  const Clock::time_point now = Clock::now();
  if (!waits_since_) {
    waits_since_ = now;
  }
  const std::string name = loader_.loading();
  if (!said_wait_ && !name.empty() && now - *waits_since_ > kWaitToTell) {
    said_wait_ = true;
    say(wait_remark(name));
  }
}

std::string PlayDeck::waits_for() const {
  return waits_since_ ? loader_.loading() : "";
}

}  // namespace ondes
