// Turns the life of one note into conditioning rows and sample features, block by block.
//
// Any split into blocks gives the same rows and features. Set-up thread: constructor.
// Render thread: everything else.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

class NoteConditioner {
 public:
  // The contract must outlive the conditioner.
  explicit NoteConditioner(const NoteContract& contract);

  // Starts a note; its first sample is the next one processed.
  void start(float pitch_semitones,
             float velocity,
             std::span<const float> instrument_weights) noexcept ONDES_REALTIME;
  // Ends the key (or pedal) hold; takes effect at the next sample processed.
  void release() noexcept ONDES_REALTIME;
  // Pitch bend and vibrato of the channel, in semitones; takes effect at the next row, and the
  // phase's frequency glides to it over that row, so that the waveform stays continuous.
  void set_pitch_offset(float semitones) noexcept ONDES_REALTIME;
  void set_instrument_weights(std::span<const float> weights) noexcept ONDES_REALTIME;

  // Rows that `samples` more samples can need at most.
  int max_rows(int samples) const noexcept;

  // Advances by `samples`. Writes sample features (samples, P), rows (max_rows, F) and their
  // starts; returns how many rows were written. Empty sample_features are not written, and the
  // phase stays where it is: for planning, a note's whole life long.
  int process(int samples,
              Frames rows,
              std::span<int> row_starts,
              Frames sample_features) noexcept ONDES_REALTIME;

  std::int64_t position_samples() const noexcept { return position_; }
  // 0: the next sample opens a row.
  std::int64_t samples_to_next_row() const noexcept { return next_row_ - position_; }
  bool held() const noexcept { return release_position_ < 0; }

 private:
  const NoteContract& contract_;
  std::vector<float> weights_;
  float pitch_ = 60.0F;
  float velocity_ = 1.0F;
  float pitch_offset_ = 0.0F;      // wanted
  float row_pitch_offset_ = 0.0F;  // reached at the end of the row in force
  float row_start_offset_ = 0.0F;  // at the start of the row in force
  double phase_cycles_ = 0.0;
  double frequency_hz_ = 0.0;       // of the next sample
  double frequency_step_hz_ = 0.0;  // a sample
  std::int64_t position_ = 0;
  std::int64_t release_position_ = -1;
  std::int64_t next_row_ = 0;
};

}  // namespace ondes
