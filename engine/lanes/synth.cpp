#include "engine/lanes/synth.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include "engine/error.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

constexpr double kDeclickS = 0.003;
constexpr float kDeclickFloor = 1.0e-6F;  // -120 dBFS, and far above denormals

void require_equal(const char* what, int expected, int found) {
  if (expected != found) {
    throw Error(ErrorCode::bad_input, std::string("synth: ") + what + ": expected " +
                                          std::to_string(expected) + " (feature contract), found " +
                                          std::to_string(found) + " (network)");
  }
}

// How well a lane serves as a victim. One that has just begun is quiet without being unimportant,
// so it comes last: a chord too large for the lanes loses old notes, not its own.
int steal_rank(const NoteLane& lane, double rate_hz) noexcept {
  if (lane.fading()) {
    return 0;
  }
  if (static_cast<double>(lane.position_samples()) < kMinimalNoteS * rate_hz) {
    return 3;
  }
  return lane.released() ? 1 : 2;
}

}  // namespace

Synth::Synth(const NotePlan& plan,
             const NoteContract& contract,
             LaneRunner& runner,
             const SynthOptions& options)
    : contract_(contract), runner_(runner), options_(options) {
  require_equal("sample rate", contract.sample_rate_hz, plan.sample_rate_hz);
  require_equal("row features", contract.row_features(), plan.row_features);
  require_equal("sample features", contract.sample_features(), plan.sample_features);
  const int instruments = static_cast<int>(contract.instruments.size());
  for (const int instrument : options_.instrument_of_program) {
    if (instrument < 0 || instrument >= instruments) {
      throw Error(ErrorCode::bad_input, "synth: a program is mapped to instrument " +
                                            std::to_string(instrument) + ", the voice has " +
                                            std::to_string(instruments));
    }
  }
  if (options_.morph_instrument < 0 || options_.morph_instrument >= instruments) {
    throw Error(ErrorCode::bad_input, "synth: morphing leads to instrument " +
                                          std::to_string(options_.morph_instrument) +
                                          ", the voice has " + std::to_string(instruments));
  }
  instrument_row_.allocate(1, instruments);
  const auto max_lanes = static_cast<std::size_t>(runner.max_lanes());
  const auto max_block = static_cast<std::size_t>(runner.max_block_samples());
  channels_.assign(kChannels, Channel(contract.sample_rate_hz));
  lanes_.reserve(max_lanes);
  lane_instrument_.resize(max_lanes);
  for (int slot = 0; slot < runner.max_lanes(); ++slot) {
    lanes_.emplace_back(slot, contract, plan, runner.max_block_samples(), !options_.rehearsal);
  }
  active_.reserve(max_lanes);
  calls_.reserve(max_lanes);
  free_.reserve(max_lanes);
  for (int slot = runner.max_lanes() - 1; slot >= 0; --slot) {
    free_.push_back(slot);
  }
  for (auto& gains : gains_) {
    gains.resize(max_block);
  }
  lane_limit_ = runner.max_lanes();
  // Down to 1/1000 after kDeclickS.
  declick_decay_ =
      static_cast<float>(std::pow(1.0e-3, 1.0 / (kDeclickS * contract.sample_rate_hz)));
}

void Synth::process(std::span<const SynthEvent> events, Frames out) noexcept {
  assert(out.channels() == 2);
  const FlushToZeroScope flush;
  std::size_t next = 0;
  int done = 0;
  while (true) {
    while (next < events.size() && events[next].sample <= position_) {
      apply(events[next++]);
    }
    if (done == out.frames()) {
      break;
    }
    int count = std::min(out.frames() - done, runner_.max_block_samples());
    if (next < events.size()) {
      count = static_cast<int>(std::min<std::int64_t>(count, events[next].sample - position_));
    }
    advance(out.subview(done, count));
    done += count;
  }
  assert(next == events.size());
}

void Synth::apply(const SynthEvent& event) noexcept {
  if (event.channel < 0 || event.channel >= kChannels || event.key < 0 || event.key >= kKeys) {
    return;
  }
  switch (event.kind) {
    case SynthEventKind::note_on:
      note_on(event);
      break;
    case SynthEventKind::note_off:
      note_off(event);
      break;
    case SynthEventKind::control:
      control(event);
      break;
  }
}

void Synth::note_on(const SynthEvent& event) noexcept {
  if (!takes_onsets_) {
    return;
  }
  Channel& channel = channels_[static_cast<std::size_t>(event.channel)];
  for (const int slot : active_) {
    NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
    if (lane.channel() == event.channel && lane.key() == event.key && !lane.key_down()) {
      lane.release();
    }
  }
  if (channel_silent(event.channel)) {
    channel.gain.snap();
  }
  const int slot = take_slot();
  const int instrument = options_.instrument_of_program[static_cast<std::size_t>(channel.program)];
  NoteStart note;
  note.channel = event.channel;
  note.key = event.key;
  note.velocity = event.value;
  note.occurrence =
      occurrences_[static_cast<std::size_t>(event.channel)][static_cast<std::size_t>(event.key)]++;
  note.instrument_weights = instrument_weights(instrument, channel.morph);
  lane_instrument_[static_cast<std::size_t>(slot)] = instrument;
  lanes_[static_cast<std::size_t>(slot)].start(note);
  runner_.start(slot);
  active_.push_back(slot);
  ++stats_.notes;
  ++stats_.notes_of_program[static_cast<std::size_t>(channel.program)];
  stats_.lanes_max = std::max(stats_.lanes_max, static_cast<int>(active_.size()));
}

void Synth::note_off(const SynthEvent& event) noexcept {
  for (const int slot : active_) {
    NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
    if (lane.channel() == event.channel && lane.key() == event.key && lane.key_down() &&
        (event.occurrence < 0 || event.occurrence == lane.occurrence())) {
      lift(lane);
      return;
    }
  }
}

void Synth::lift(NoteLane& lane) noexcept {
  lane.key_up();
  if (!channels_[static_cast<std::size_t>(lane.channel())].sustain) {
    lane.release();
  }
}

void Synth::release_unheld(int channel) noexcept {
  for (const int slot : active_) {
    NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
    if (lane.channel() == channel && !lane.key_down()) {
      lane.release();
    }
  }
}

void Synth::control(const SynthEvent& event) noexcept {
  Channel& channel = channels_[static_cast<std::size_t>(event.channel)];
  channel.apply(event.control, event.value);
  for (const int slot : active_) {
    NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
    if (lane.channel() != event.channel) {
      continue;
    }
    if (event.control == ControlKind::morph) {
      lane.set_instrument_weights(
          instrument_weights(lane_instrument_[static_cast<std::size_t>(slot)], channel.morph));
    } else if (event.control == ControlKind::all_sound_off) {
      lane.key_up();
      lane.fade_out();
    } else if (event.control == ControlKind::all_notes_off && lane.key_down()) {
      lift(lane);
    }
  }
  if (!channel.sustain) {
    release_unheld(event.channel);
  }
}

// Valid until the next call.
std::span<const float> Synth::instrument_weights(int instrument, float morph) noexcept {
  const std::span<float> row = instrument_row_.view()[0];
  std::fill(row.begin(), row.end(), 0.0F);
  row[static_cast<std::size_t>(instrument)] = 1.0F - morph;
  row[static_cast<std::size_t>(options_.morph_instrument)] += morph;
  return row;
}

bool Synth::channel_silent(int channel) const noexcept {
  return std::none_of(active_.begin(), active_.end(), [&](int slot) {
    return lanes_[static_cast<std::size_t>(slot)].channel() == channel;
  });
}

// The index in active_ of the lane that is missed least; -1 if there is none.
int Synth::quietest_lane(bool fading_too) const noexcept {
  int best = -1;
  int best_rank = 4;
  float best_gain = 0.0F;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const NoteLane& lane = lanes_[static_cast<std::size_t>(active_[i])];
    const StereoPair gains = channels_[static_cast<std::size_t>(lane.channel())].gain.value();
    const float gain = lane.gain() * (gains.left + gains.right);
    if (lane.fading() && !fading_too) {
      continue;
    }
    const int rank = steal_rank(lane, contract_.sample_rate_hz);
    if (rank < best_rank || (rank == best_rank && gain < best_gain)) {
      best = static_cast<int>(i);
      best_rank = rank;
      best_gain = gain;
    }
  }
  return best;
}

void Synth::limit_lanes(int lanes) noexcept {
  lane_limit_ = std::clamp(lanes, 1, runner_.max_lanes());
  auto sounding = static_cast<int>(std::count_if(active_.begin(), active_.end(), [&](int slot) {
    return !lanes_[static_cast<std::size_t>(slot)].fading();
  }));
  for (; sounding > lane_limit_; --sounding) {
    const int index = quietest_lane(false);
    NoteLane& lane = lanes_[static_cast<std::size_t>(active_[static_cast<std::size_t>(index)])];
    lane.key_up();
    lane.fade_out();
    ++stats_.stolen_notes;
  }
}

int Synth::take_slot() noexcept {
  if (static_cast<int>(active_.size()) >= lane_limit_) {
    const int slot = steal();
    // A lowered limit: more may still be fading than there may be lanes.
    while (static_cast<int>(active_.size()) >= lane_limit_) {
      free_.push_back(steal());
    }
    return slot;
  }
  const int slot = free_.back();
  free_.pop_back();
  return slot;
}

int Synth::steal() noexcept {
  const int index = quietest_lane(true);
  const int slot = active_[static_cast<std::size_t>(index)];
  active_.erase(active_.begin() + index);
  const NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
  const StereoPair gains = channels_[static_cast<std::size_t>(lane.channel())].gain.value();
  declick_.left += lane.last_sample() * gains.left * options_.gain;
  declick_.right += lane.last_sample() * gains.right * options_.gain;
  ++stats_.stolen_notes;
  return slot;
}

// At most a runner's block, no event inside.
void Synth::advance(Frames out) noexcept {
  const int samples = out.frames();
  for (int t = 0; t < samples && !options_.rehearsal; ++t) {
    out[t][0] = out[t][1] = 0.0F;
  }
  if (!active_.empty()) {
    std::array<bool, kChannels> sounding{};
    calls_.clear();
    for (const int slot : active_) {
      NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
      const auto c = static_cast<std::size_t>(lane.channel());
      sounding[c] = true;
      calls_.push_back(lane.prepare(samples, channels_[c].bend_semitones, channels_[c].modulation,
                                    options_.seed, options_.temperature));
    }
    for (std::size_t c = 0; c < sounding.size(); ++c) {
      for (int t = 0; sounding[c] && t < samples; ++t) {
        gains_[c][static_cast<std::size_t>(t)] = channels_[c].gain.next();
      }
    }
    runner_.process(calls_, samples);
    for (const int slot : active_) {
      NoteLane& lane = lanes_[static_cast<std::size_t>(slot)];
      const std::span<const float> made = lane.finish(samples);
      if (!options_.rehearsal) {
        mix(lane, made, out);
      }
    }
    stats_.lane_samples += static_cast<std::int64_t>(active_.size()) * samples;
    drop_finished();
  }
  if (!options_.rehearsal) {
    for (int t = 0; t < samples; ++t) {
      out[t][0] *= options_.gain;
      out[t][1] *= options_.gain;
    }
    add_declick(out);
  }
  position_ += samples;
  stats_.lanes_now = static_cast<int>(active_.size());
}

void Synth::mix(const NoteLane& lane, std::span<const float> samples, Frames out) noexcept {
  const std::vector<StereoPair>& gains = gains_[static_cast<std::size_t>(lane.channel())];
  for (std::size_t t = 0; t < samples.size(); ++t) {
    const std::span<float> frame = out[static_cast<int>(t)];
    frame[0] += samples[t] * gains[t].left;
    frame[1] += samples[t] * gains[t].right;
  }
  if (tap_ != nullptr) {
    tap_->lane_block(lane, lane.position_samples() - static_cast<std::int64_t>(samples.size()),
                     samples);
  }
}

void Synth::add_declick(Frames out) noexcept {
  for (int t = 0; t < out.frames() && (declick_.left != 0.0F || declick_.right != 0.0F); ++t) {
    declick_.left *= declick_decay_;
    declick_.right *= declick_decay_;
    if (std::abs(declick_.left) + std::abs(declick_.right) < kDeclickFloor) {
      declick_ = {};
    }
    out[t][0] += declick_.left;
    out[t][1] += declick_.right;
  }
}

void Synth::drop_finished() noexcept {
  std::size_t kept = 0;
  for (const int slot : active_) {
    if (lanes_[static_cast<std::size_t>(slot)].finished()) {
      free_.push_back(slot);
    } else {
      active_[kept++] = slot;
    }
  }
  active_.resize(kept);
}

}  // namespace ondes
