// The polyphonic synth: events in, stereo samples out. Rendering a score and playing live are this
// one pipeline; a score's events come from a Sequencer, and nothing here knows a clock.
//
//   out(t) = gain * sum over lanes of lane(t) * channel gain(t)  +  declick(t)
//
// Every note gets a lane (NoteLane) and the lanes advance together, one runner call for all of
// them; calls are cut at events, so that onsets, releases and controllers are exact to the sample.
// The events' absolute times and the samples decide everything: any split into blocks gives the
// same output.
//
// Rules:
//  - A struck key whose earlier note sounds by the pedal alone releases that one, as one string
//    would.
//  - No lane free: one is stolen, a fading one first, then the quietest released, then the quietest
//    held (gain of lane and channel), then one younger than 50 ms; ties: the oldest. Its last
//    sample decays within 3 ms instead of jumping to zero. Stolen notes are counted.
//  - CC120 fades a channel in 5 ms, CC123 lifts its keys (the pedal still holds), CC121 see
//    channel.h.
//
// Set-up thread: constructor, set_tap(). Render thread: process(), the rest.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/buffer.h"
#include "engine/conditioning/note_contract.h"
#include "engine/lanes/channel.h"
#include "engine/lanes/note_lane.h"
#include "engine/lanes/synth_event.h"
#include "engine/plan/lane_runner.h"
#include "engine/plan/note_plan.h"
#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

inline constexpr int kChannels = 16;
inline constexpr int kKeys = 128;
inline constexpr int kPrograms = 128;

struct SynthOptions {
  std::uint64_t seed = 0;
  float temperature = 1.0F;
  bool rehearsal = false;  // lanes live and end as they would; nothing is mixed
  float gain = 1.0F;       // of the mix
  std::array<int, kPrograms> instrument_of_program{};  // index into the contract's instruments
  int morph_instrument = 0;  // what ControlKind::morph leads to; index as above
};

struct SynthStats {
  std::int64_t notes = 0;
  std::int64_t stolen_notes = 0;
  int lanes_now = 0;
  int lanes_max = 0;
  std::int64_t lane_samples = 0;  // network samples made
  std::array<std::int64_t, kPrograms> notes_of_program{};
};

// Hears every lane before the mix: tests, stems, meters.
class LaneTap {
 public:
  virtual ~LaneTap() = default;
  // `first_sample` counts from the lane's onset, which is at `onset_sample` of the synth.
  virtual void lane_block(const NoteLane& lane,
                          std::int64_t first_sample,
                          std::span<const float> samples) noexcept = 0;
};

class Synth {
 public:
  // Contract and runner must outlive the synth; it makes as many lanes as the runner has. Throws
  // Error{bad_input} where plan, contract and options contradict each other.
  Synth(const NotePlan& plan,
        const NoteContract& contract,
        LaneRunner& runner,
        const SynthOptions& options);

  // The next out.frames() samples, 2 channels. `events` ascend in time and lie before the block's
  // end.
  void process(std::span<const SynthEvent> events, Frames out) noexcept ONDES_REALTIME;

  // Notes that begin from now on are left out; what sounds goes on and ends as it would.
  void stop_onsets() noexcept ONDES_REALTIME { takes_onsets_ = false; }
  // At most that many lanes from now on (at least 1, at most the runner's); the ones too many fade
  // out in 5 ms, chosen as stolen ones are.
  void limit_lanes(int lanes) noexcept ONDES_REALTIME;
  int lane_limit() const noexcept { return lane_limit_; }

  std::int64_t position_samples() const noexcept { return position_; }
  bool silent() const noexcept { return active_.empty(); }  // no lane sounds
  const SynthStats& stats() const noexcept { return stats_; }
  void set_tap(LaneTap* tap) { tap_ = tap; }

 private:
  void apply(const SynthEvent& event) noexcept;
  void note_on(const SynthEvent& event) noexcept;
  void note_off(const SynthEvent& event) noexcept;
  void control(const SynthEvent& event) noexcept;
  void lift(NoteLane& lane) noexcept;
  void release_unheld(int channel) noexcept;
  int take_slot() noexcept;
  int steal() noexcept;
  int quietest_lane(bool fading_too) const noexcept;
  std::span<const float> instrument_weights(int instrument, float morph) noexcept;
  bool channel_silent(int channel) const noexcept;
  void advance(Frames out) noexcept;
  void mix(const NoteLane& lane, std::span<const float> samples, Frames out) noexcept;
  void add_declick(Frames out) noexcept;
  void drop_finished() noexcept;

  const NoteContract& contract_;
  LaneRunner& runner_;
  SynthOptions options_;
  Buffer instrument_row_;             // (1, instruments): weights that are just being set
  std::vector<int> lane_instrument_;  // (slots): the program's instrument when the note began
  std::vector<Channel> channels_;
  std::vector<NoteLane> lanes_;
  std::vector<int> active_;  // slots in onset order, which is the order of summation
  std::vector<int> free_;
  std::vector<StepLane> calls_;
  std::array<std::array<std::int64_t, kKeys>, kChannels> occurrences_{};
  std::array<std::vector<StereoPair>, kChannels> gains_;  // (max_block) of the call
  StereoPair declick_;
  float declick_decay_ = 0.0F;
  bool takes_onsets_ = true;
  int lane_limit_ = 0;
  std::int64_t position_ = 0;
  SynthStats stats_;
  LaneTap* tap_ = nullptr;
};

}  // namespace ondes
