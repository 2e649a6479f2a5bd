// One note: its conditioning, its level and its place in the runner.
//
//   out(t) = network sample(t) * gain(t) * fade(t)
//
// gain: LevelRamp towards exp(level(row)); 1 where the plan has no level network. A lane is
// finished when its network RMS times gain lies below -80 dBFS at both ends of a row (after at
// least 50 ms), or 20 s after its release; the last 5 ms fade out. Without a level network the
// release is that fade. Vibrato: modulation adds a 5.5 Hz sine, up to 50 cents, that starts with
// the note.
//
// Set-up thread: constructor. Render thread: everything else, in the order prepare() - the runner's
// process() - finish(), any split into blocks giving the same samples.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/buffer.h"
#include "engine/conditioning/note_conditioner.h"
#include "engine/lanes/level_ramp.h"
#include "engine/plan/dense_network.h"
#include "engine/plan/lane_runner.h"
#include "engine/plan/note_plan.h"
#include "engine/realtime.h"

namespace ondes {

inline constexpr float kSilenceAmplitude = 1.0e-4F;  // -80 dBFS
inline constexpr double kMinimalNoteS = 0.050;
inline constexpr double kMaximalReleaseS = 20.0;
inline constexpr double kEndFadeS = 0.005;
inline constexpr double kVibratoHz = 5.5;
inline constexpr float kVibratoSemitones = 0.5F;

struct NoteStart {
  int channel = 0;
  int key = 60;
  float velocity = 1.0F;
  std::int64_t occurrence = 0;  // how many notes of this channel and key came before
  std::span<const float> instrument_weights;
};

// The upper half of a lane's Philox counter: the note's name in the piece, so that it draws the
// same numbers whatever sounds beside it.
constexpr std::uint64_t lane_identity(int channel, int key, std::int64_t occurrence) noexcept {
  return static_cast<std::uint64_t>(channel) << 60U | static_cast<std::uint64_t>(key) << 52U |
         (static_cast<std::uint64_t>(occurrence) & ((std::uint64_t{1} << 52U) - 1));
}

class NoteLane {
 public:
  // The contract must outlive the lane. Without sample features the lane is for rehearsing: its
  // rows, gains and end are the real ones. Throws Error{bad_input} if the level network does not
  // fit.
  NoteLane(int slot,
           const NoteContract& contract,
           const NotePlan& plan,
           int max_block_samples,
           bool with_sample_features = true);

  void start(const NoteStart& note) noexcept ONDES_REALTIME;
  void key_up() noexcept ONDES_REALTIME { key_down_ = false; }
  void release() noexcept ONDES_REALTIME;
  void set_instrument_weights(std::span<const float> weights) noexcept ONDES_REALTIME {
    conditioner_.set_instrument_weights(weights);
  }
  void fade_out() noexcept ONDES_REALTIME;  // to silence in 5 ms, then finished

  // Fills the lane's share of a runner call of `samples`.
  StepLane prepare(int samples,
                   float bend_semitones,
                   float modulation,
                   std::uint64_t seed,
                   float temperature) noexcept ONDES_REALTIME;
  // After the runner: applies gain and fade; returns the block's samples.
  std::span<const float> finish(int samples) noexcept ONDES_REALTIME;

  int slot() const noexcept { return slot_; }
  int channel() const noexcept { return channel_; }
  int key() const noexcept { return key_; }
  std::int64_t occurrence() const noexcept { return occurrence_; }
  std::uint64_t identity() const noexcept { return identity_; }
  std::int64_t position_samples() const noexcept { return conditioner_.position_samples(); }
  bool key_down() const noexcept { return key_down_; }
  bool released() const noexcept { return !conditioner_.held(); }
  bool fading() const noexcept { return fade_remaining_ >= 0; }
  bool finished() const noexcept { return fade_remaining_ == 0; }
  float gain() const noexcept { return last_gain_; }  // of the last sample
  float last_sample() const noexcept { return last_sample_; }

 private:
  void open_row(std::span<const float> row, std::int64_t position) noexcept;  // its first sample
  float next_gain() noexcept;

  int slot_;
  int hop_samples_;
  double rate_hz_;
  int fade_samples_;
  NoteConditioner conditioner_;
  DenseNetwork level_;
  LevelRamp ramp_;
  Buffer rows_;
  std::vector<int> row_starts_;
  Buffer sample_features_;
  std::vector<float> gains_;
  std::vector<float> output_;

  int channel_ = 0;
  int key_ = 0;
  std::int64_t occurrence_ = 0;
  std::uint64_t identity_ = 0;
  bool key_down_ = false;
  std::int64_t release_position_ = -1;
  int fade_remaining_ = -1;  // samples until silence; -1: not fading
  float last_gain_ = 0.0F;
  float last_sample_ = 0.0F;
};

}  // namespace ondes
