#include "engine/conditioning/note_conditioner.h"

#include <algorithm>
#include <cassert>

namespace ondes {

NoteConditioner::NoteConditioner(const NoteContract& contract)
    : contract_(contract), weights_(contract.instruments.size(), 0.0F) {}

void NoteConditioner::start(float pitch_semitones,
                            float velocity,
                            std::span<const float> instrument_weights) noexcept {
  pitch_ = pitch_semitones;
  velocity_ = velocity;
  set_instrument_weights(instrument_weights);
  pitch_offset_ = row_pitch_offset_ = row_start_offset_ = 0.0F;
  phase_cycles_ = 0.0;
  frequency_hz_ = static_cast<double>(semitones_to_hz(pitch_));
  frequency_step_hz_ = 0.0;
  position_ = 0;
  release_position_ = -1;
  next_row_ = 0;
}

void NoteConditioner::release() noexcept {
  if (release_position_ < 0) {
    release_position_ = position_;
    next_row_ = position_;
  }
}

void NoteConditioner::set_pitch_offset(float semitones) noexcept {
  pitch_offset_ = semitones;
  if (position_ == 0) {  // a note that starts bent starts there, it does not glide from zero
    row_pitch_offset_ = semitones;
    frequency_hz_ = static_cast<double>(semitones_to_hz(pitch_ + semitones));
  }
}

void NoteConditioner::set_instrument_weights(std::span<const float> weights) noexcept {
  assert(weights.size() == weights_.size());
  std::copy(weights.begin(), weights.end(), weights_.begin());
}

int NoteConditioner::max_rows(int samples) const noexcept {
  // One at the hop grid's next point, one every hop after it, one for a release that re-anchors.
  return samples / contract_.hop_samples + 2;
}

int NoteConditioner::process(int samples,
                             Frames rows,
                             std::span<int> row_starts,
                             Frames sample_features) noexcept {
  const double seconds_per_sample = 1.0 / contract_.sample_rate_hz;
  const bool planning = sample_features.empty();
  int row = 0;
  for (int t = 0; t < samples;) {
    if (position_ == next_row_) {
      assert(row < rows.frames());
      row_start_offset_ = row_pitch_offset_;
      row_pitch_offset_ = pitch_offset_;
      if (!planning) {
        frequency_hz_ = static_cast<double>(semitones_to_hz(pitch_ + row_start_offset_));
        frequency_step_hz_ =
            (static_cast<double>(semitones_to_hz(pitch_ + row_pitch_offset_)) - frequency_hz_) /
            contract_.hop_samples;
      }
      NoteInstant instant;
      instant.pitch_semitones = pitch_ + row_pitch_offset_;
      instant.velocity = velocity_;
      instant.held = held();
      instant.age_s = static_cast<double>(position_) * seconds_per_sample;
      instant.release_age_s =
          held() ? 0.0 : static_cast<double>(position_ - release_position_) * seconds_per_sample;
      instant.instrument_weights = weights_;
      write_row(contract_, instant, rows[row]);
      row_starts[static_cast<std::size_t>(row)] = t;
      ++row;
      next_row_ += contract_.hop_samples;
    }
    if (planning) {  // from row to row: a plan costs what happens in it, not how long it lasts
      const auto count =
          static_cast<int>(std::min<std::int64_t>(samples - t, next_row_ - position_));
      position_ += count;
      t += count;
      continue;
    }
    write_harmonics(contract_, phase_cycles_, static_cast<float>(frequency_hz_),
                    sample_features[t]);
    phase_cycles_ += frequency_hz_ * seconds_per_sample;
    phase_cycles_ -= static_cast<double>(static_cast<std::int64_t>(phase_cycles_));
    frequency_hz_ += frequency_step_hz_;
    ++position_;
    ++t;
  }
  return row;
}

}  // namespace ondes
