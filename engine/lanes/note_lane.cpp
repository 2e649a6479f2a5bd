#include "engine/lanes/note_lane.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include "engine/deterministic_math.h"
#include "engine/error.h"

namespace ondes {
namespace {

// Vibrato in semitones at `position_s` of the note.
float vibrato(double position_s, float modulation) noexcept {
  if (modulation <= 0.0F) {
    return 0.0F;
  }
  const double cycles = position_s * kVibratoHz;
  float cosine = 1.0F;
  float sine = 0.0F;
  exact::cos_sin_turns(static_cast<float>(cycles - std::floor(cycles + 0.5)), &cosine, &sine);
  return kVibratoSemitones * modulation * sine;
}

}  // namespace

NoteLane::NoteLane(int slot,
                   const NoteContract& contract,
                   const NotePlan& plan,
                   int max_block_samples,
                   bool with_sample_features)
    : slot_(slot),
      hop_samples_(contract.hop_samples),
      rate_hz_(contract.sample_rate_hz),
      fade_samples_(std::max(1, static_cast<int>(std::lround(kEndFadeS * rate_hz_)))),
      conditioner_(contract),
      level_(plan.level),
      ramp_(contract.hop_samples) {
  if (!level_.empty() && (level_.inputs() != contract.row_features() || level_.outputs() != 1)) {
    throw Error(ErrorCode::bad_input,
                "level network: expected " + std::to_string(contract.row_features()) +
                    " inputs and 1 output, found " + std::to_string(level_.inputs()) + " and " +
                    std::to_string(level_.outputs()));
  }
  const int max_rows = conditioner_.max_rows(max_block_samples);
  rows_.allocate(max_rows, contract.row_features());
  row_starts_.resize(static_cast<std::size_t>(max_rows));
  if (with_sample_features) {
    sample_features_.allocate(max_block_samples, contract.sample_features());
  }
  gains_.resize(static_cast<std::size_t>(max_block_samples));
  output_.resize(static_cast<std::size_t>(max_block_samples));
}

void NoteLane::start(const NoteStart& note) noexcept {
  channel_ = note.channel;
  key_ = note.key;
  occurrence_ = note.occurrence;
  identity_ = lane_identity(note.channel, note.key, note.occurrence);
  key_down_ = true;
  release_position_ = -1;
  fade_remaining_ = -1;
  last_gain_ = 0.0F;
  last_sample_ = 0.0F;
  ramp_.reset();
  conditioner_.start(static_cast<float>(note.key), note.velocity, note.instrument_weights);
}

void NoteLane::release() noexcept {
  if (release_position_ >= 0) {
    return;
  }
  release_position_ = position_samples();
  conditioner_.release();
  if (level_.empty()) {
    fade_out();
  }
}

void NoteLane::fade_out() noexcept {
  if (fade_remaining_ < 0) {
    fade_remaining_ = fade_samples_;
  }
}

void NoteLane::open_row(std::span<const float> row, std::int64_t position) noexcept {
  if (level_.empty()) {
    return;
  }
  float log_amplitude = 0.0F;
  level_.evaluate(row, {&log_amplitude, 1});
  ramp_.open_row(exact::exp(log_amplitude));
  const bool silent = ramp_.gain() * kNetworkRms < kSilenceAmplitude &&
                      ramp_.target() * kNetworkRms < kSilenceAmplitude &&
                      static_cast<double>(position) / rate_hz_ >= kMinimalNoteS;
  const bool worn_out =
      release_position_ >= 0 &&
      static_cast<double>(position - release_position_) / rate_hz_ + kEndFadeS >= kMaximalReleaseS;
  if (silent || worn_out) {
    fade_out();
  }
}

float NoteLane::next_gain() noexcept {
  float gain = level_.empty() ? 1.0F : ramp_.next();
  if (fade_remaining_ > 0) {
    --fade_remaining_;
    gain *= static_cast<float>(fade_remaining_) / static_cast<float>(fade_samples_);
  } else if (fade_remaining_ == 0) {
    gain = 0.0F;
  }
  return gain;
}

StepLane NoteLane::prepare(int samples,
                           float bend_semitones,
                           float modulation,
                           std::uint64_t seed,
                           float temperature) noexcept {
  assert(static_cast<std::size_t>(samples) <= output_.size());
  StepLane lane;
  lane.slot = slot_;
  lane.first_sample = position_samples();
  lane.seed = seed;
  lane.identity = identity_;
  lane.temperature = temperature;
  const Frames features = sample_features_.view();
  int rows = 0;
  // From row to row, because vibrato and the level are evaluated at the sample a row opens.
  for (int t = 0; t < samples;) {
    const std::int64_t position = position_samples();
    const std::int64_t to_row = conditioner_.samples_to_next_row();
    const bool at_row = to_row == 0;
    if (at_row) {
      conditioner_.set_pitch_offset(bend_semitones +
                                    vibrato(static_cast<double>(position) / rate_hz_, modulation));
    }
    const int count =
        static_cast<int>(std::min<std::int64_t>(samples - t, at_row ? hop_samples_ : to_row));
    const auto row = static_cast<std::size_t>(rows);
    const int written = conditioner_.process(
        count, rows_.view().subview(rows, at_row ? 1 : 0), std::span<int>(row_starts_).subspan(row),
        features.empty() ? Frames() : features.subview(t, count));
    assert(written == (at_row ? 1 : 0));
    if (written != 0) {
      row_starts_[row] = t;
      open_row(rows_.view()[rows], position);
      ++rows;
    }
    for (int i = 0; i < count; ++i) {
      gains_[static_cast<std::size_t>(t + i)] = next_gain();
    }
    t += count;
  }
  lane.rows = rows_.view().subview(0, rows);
  lane.row_starts = std::span<const int>(row_starts_).first(static_cast<std::size_t>(rows));
  lane.sample_features = features.empty() ? Frames() : features.subview(0, samples);
  lane.output = std::span<float>(output_).first(static_cast<std::size_t>(samples));
  return lane;
}

std::span<const float> NoteLane::finish(int samples) noexcept {
  for (std::size_t t = 0; t < static_cast<std::size_t>(samples); ++t) {
    output_[t] *= gains_[t];
  }
  if (samples > 0) {
    last_gain_ = gains_[static_cast<std::size_t>(samples - 1)];
    last_sample_ = output_[static_cast<std::size_t>(samples - 1)];
  }
  return std::span<const float>(output_).first(static_cast<std::size_t>(samples));
}

}  // namespace ondes
