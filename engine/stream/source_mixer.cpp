#include "engine/stream/source_mixer.h"

#include <algorithm>
#include <cassert>

#include "engine/error.h"
#include "engine/finite.h"

namespace ondes {
namespace {

void silence(Frames out) noexcept {
  for (int t = 0; t < out.frames(); ++t) {
    std::fill_n(out[t].data(), out.channels(), 0.0F);
  }
}

}  // namespace

SourceMixer::SourceMixer(int channels, int max_block_frames)
    : messages_(kMaxWaitingSwitches),
      retired_(4 * kMaxWaitingSwitches),
      begun_(4 * kMaxWaitingSwitches),
      scratch_(max_block_frames, channels) {
  owned_.reserve(4 * kMaxWaitingSwitches);
  ringing_.reserve(kMaxRingingSources + 1);
  waiting_.reserve(kMaxWaitingSwitches);
}

SourceMixer::~SourceMixer() {
  for (const Owned& owned : owned_) {
    delete owned.source;
  }
}

std::int64_t SourceMixer::post_switch(std::unique_ptr<StreamSource> source,
                                      const StreamSwitch& how) {
  collect();
  // What is owned is at most what waits, rings, sounds and was given back: the queue of those that
  // were given back can never be full.
  if (owned_.size() >= 2 * kMaxWaitingSwitches ||
      !messages_.push({Order::begin, source.get(), how, posted_ + 1})) {
    throw Error(ErrorCode::usage, "stream: expected at most " +
                                      std::to_string(kMaxWaitingSwitches) +
                                      " sources to wait, found one more");
  }
  owned_.push_back({source.release(), ++posted_});
  return posted_;
}

void SourceMixer::post_retire() {
  post_order(Order::retire);
}

void SourceMixer::post_cancel() {
  post_order(Order::cancel);
}

void SourceMixer::post_order(Order order) {
  if (!messages_.push({order, nullptr, {}, posted_})) {
    throw Error(ErrorCode::usage, "stream: too many messages wait");
  }
}

void SourceMixer::collect() {
  while (const std::optional<StreamSource*> source = retired_.pop()) {
    const auto found = std::find_if(owned_.begin(), owned_.end(),
                                    [&](const Owned& owned) { return owned.source == *source; });
    const std::optional<BrokenSource> broken = this->broken();
    if (broken && broken->begin.number == found->number) {
      continue;
    }
    owned_.erase(found);
    delete *source;
  }
}

std::optional<BrokenSource> SourceMixer::broken() const noexcept {
  return is_broken_.load(std::memory_order_acquire) ? std::optional(broken_) : std::nullopt;
}

const StreamSource* SourceMixer::broken_source() const noexcept {
  const std::optional<BrokenSource> broken = this->broken();
  const auto found = std::find_if(owned_.begin(), owned_.end(), [&](const Owned& owned) {
    return broken && owned.number == broken->begin.number;
  });
  return found == owned_.end() ? nullptr : found->source;
}

bool SourceMixer::crowded() {
  collect();
  return owned_.size() > kMaxWaitingSwitches / 2;
}

int SourceMixer::render(Frames out, std::int64_t position, bool* flushed) noexcept {
  *flushed = false;
  int done = 0;
  receive();  // once a block: a flush moves the frame that is heard next, so it begins a block
  while (true) {
    take_messages(position + done, flushed);
    if (done == out.frames()) {
      return done;
    }
    int count = out.frames() - done;
    if (!waiting_.empty() && waiting_.front().how.when == StreamSwitch::When::at_frame) {
      count = static_cast<int>(
          std::min<std::int64_t>(count, waiting_.front().how.frame - (position + done)));
    }
    const int made = mix(out.subview(done, count), position + done);
    done += made;
    if (made == count) {
      continue;
    }
    // Nothing sounds any more.
    if (waiting_.empty()) {
      return done;
    }
    if (waiting_.front().how.when == StreamSwitch::When::at_frame) {
      silence(out.subview(done, count - made));
      done += count - made;
    }
  }
}

void SourceMixer::receive() noexcept {
  while (static_cast<int>(waiting_.size()) < kMaxWaitingSwitches) {
    const std::optional<Message> message = messages_.pop();
    if (!message) {
      return;
    }
    const bool now = message->order == Order::begin && message->how.when == StreamSwitch::When::now;
    if (message->order == Order::cancel || message->how.instead || now) {
      drop_waiting(now);
    }
    if (message->order == Order::cancel) {
      settled_ = message->number;
    } else {
      waiting_.push_back(*message);
    }
  }
}

void SourceMixer::drop_waiting(bool what_is_due_too) noexcept {
  std::erase_if(waiting_, [&](const Message& message) {
    const bool due = message.order == Order::retire || message.how.when == StreamSwitch::When::now;
    if (due && !what_is_due_too) {
      return false;
    }
    if (message.source != nullptr) {
      give_back(message.source);
    }
    return true;
  });
}

void SourceMixer::take_messages(std::int64_t position, bool* flushed) noexcept {
  while (!waiting_.empty() && is_due(waiting_.front(), position)) {
    perform(waiting_.front(), position, flushed);
    waiting_.erase(waiting_.begin());
  }
}

bool SourceMixer::is_due(const Message& message, std::int64_t position) const noexcept {
  if (message.order == Order::retire) {
    return true;
  }
  switch (message.how.when) {
    case StreamSwitch::When::now:
      return true;
    case StreamSwitch::When::at_frame:
      return position >= message.how.frame;
    case StreamSwitch::When::at_end:
      break;
  }
  return current_.source == nullptr && ringing_.empty();
}

void SourceMixer::perform(const Message& message, std::int64_t position, bool* flushed) noexcept {
  if (message.how.flush && message.how.when == StreamSwitch::When::now) {
    for (const Sounding& sounding : ringing_) {
      give_back(sounding.source);
    }
    ringing_.clear();
    if (current_.source != nullptr) {
      end_current();
    }
    *flushed = true;
  }
  let_ring();
  if (message.order == Order::retire) {
    return;
  }
  StreamSource& source = *message.source;
  number_ = message.number;
  settled_ = std::max(settled_, number_);
  if (lane_limit_ > 0) {
    const int own_limit = source.state().lanes_limit;  // it may begin with a lower one
    source.limit_lanes(own_limit > 0 ? std::min(own_limit, lane_limit_) : lane_limit_);
  }
  const SourceState state = source.state();
  current_ = {&source, {number_, position, state.position_s, state.speed}};
  // A control thread that has not asked for long misses one of these; the next one is as good.
  begun_.push(current_.begin);
}

void SourceMixer::let_ring() noexcept {
  if (current_.source == nullptr) {
    return;
  }
  current_.source->retire();
  ringing_.push_back(current_);
  current_ = {};
  if (static_cast<int>(ringing_.size()) > kMaxRingingSources) {
    give_back(ringing_.front().source);
    ringing_.erase(ringing_.begin());
  }
}

void SourceMixer::end_current() noexcept {
  last_state_ = current_.source->state();
  last_state_.lanes_now = 0;
  give_back(current_.source);
  current_ = {};
}

void SourceMixer::give_back(StreamSource* source) noexcept {
  const bool given = retired_.push(source);
  assert(given && "the queue holds as many sources as can be owned");
  static_cast<void>(given);
}

int SourceMixer::mix(Frames out, std::int64_t position) noexcept {
  if (!ringing_.empty()) {
    return mix_ringing(out, position);
  }
  if (current_.source == nullptr) {
    return 0;
  }
  const int made = current_.source->render(out, position);
  look_at(current_, out.subview(0, made), position);
  if (made < out.frames()) {
    end_current();
  }
  return made;
}

int SourceMixer::mix_ringing(Frames out, std::int64_t position) noexcept {
  silence(out);
  int longest = 0;
  const auto add = [&](const Sounding& sounding) noexcept {
    const Frames part = scratch_.view().subview(0, out.frames());
    const int made = sounding.source->render(part, position);
    look_at(sounding, part.subview(0, made), position);
    for (int t = 0; t < made; ++t) {
      for (std::size_t c = 0; c < static_cast<std::size_t>(out.channels()); ++c) {
        out[t][c] += part[t][c];
      }
    }
    // Finite parts whose sum is not: what came last is too much.
    look_at(sounding, out.subview(0, made), position);
    longest = std::max(longest, made);
    return made == out.frames();
  };
  std::size_t kept = 0;
  for (const Sounding& sounding : ringing_) {
    if (add(sounding)) {
      ringing_[kept++] = sounding;
    } else {
      give_back(sounding.source);
    }
  }
  ringing_.resize(kept);
  if (current_.source != nullptr && !add(current_)) {
    end_current();
  }
  return longest;
}

void SourceMixer::look_at(const Sounding& sounding,
                          ConstFrames made,
                          std::int64_t position) noexcept {
  if (is_broken_.load(std::memory_order_relaxed)) {
    return;
  }
  const int finite = finite_frames(made);
  if (finite < made.frames()) {
    broken_ = {sounding.begin, position + finite};
    is_broken_.store(true, std::memory_order_release);
  }
}

void SourceMixer::limit_lanes(int lanes) noexcept {
  lane_limit_ = lanes;
  if (current_.source != nullptr) {
    current_.source->limit_lanes(lanes > 0 ? lanes : current_.source->state().lanes_most);
  }
}

SourceState SourceMixer::state() const noexcept {
  if (current_.source != nullptr) {
    return current_.source->state();
  }
  return ringing_.empty() ? last_state_ : ringing_.back().source->state();
}

}  // namespace ondes
