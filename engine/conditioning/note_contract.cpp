#include "engine/conditioning/note_contract.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "engine/deterministic_math.h"

namespace ondes {

int NoteContract::row_features() const noexcept {
  return static_cast<int>(3 + pitch_centres.size() + onset_decays_s.size() +
                          release_decays_s.size() + instruments.size());
}

int NoteContract::sample_features() const noexcept {
  return 2 * harmonics + (phase ? 1 : 0);
}

std::vector<std::string> NoteContract::row_feature_names() const {
  std::vector<std::string> names{"pitch"};
  for (std::size_t i = 0; i < pitch_centres.size(); ++i) {
    names.push_back("pitch_band_" + std::to_string(i));
  }
  names.insert(names.end(), {"velocity", "gate"});
  for (std::size_t i = 0; i < onset_decays_s.size(); ++i) {
    names.push_back("onset_decay_" + std::to_string(i));
  }
  for (std::size_t i = 0; i < release_decays_s.size(); ++i) {
    names.push_back("release_decay_" + std::to_string(i));
  }
  for (const std::string& instrument : instruments) {
    names.push_back("instrument_" + instrument);
  }
  return names;
}

void write_row(const NoteContract& contract,
               const NoteInstant& instant,
               std::span<float> row) noexcept {
  assert(row.size() == static_cast<std::size_t>(contract.row_features()));
  assert(instant.instrument_weights.size() == contract.instruments.size());
  std::size_t i = 0;
  row[i++] = (instant.pitch_semitones - 60.0F) * (1.0F / 24.0F);
  for (const float centre : contract.pitch_centres) {
    const float z = (instant.pitch_semitones - centre) / contract.pitch_width;
    row[i++] = exact::exp(-0.5F * z * z);
  }
  row[i++] = instant.velocity;
  row[i++] = instant.held ? 1.0F : 0.0F;
  for (const float decay_s : contract.onset_decays_s) {
    row[i++] = exact::exp(-static_cast<float>(instant.age_s) / decay_s);
  }
  for (const float decay_s : contract.release_decays_s) {
    row[i++] =
        instant.held ? 0.0F : exact::exp(-static_cast<float>(instant.release_age_s) / decay_s);
  }
  for (const float weight : instant.instrument_weights) {
    row[i++] = weight;
  }
}

void write_harmonics(const NoteContract& contract,
                     double phase_cycles,
                     float f0_hz,
                     std::span<float> features) noexcept {
  assert(features.size() == static_cast<std::size_t>(contract.sample_features()));
  const double wrapped = phase_cycles - std::floor(phase_cycles + 0.5);
  if (contract.phase) {
    features.back() = static_cast<float>(wrapped);
  }
  float cos1 = 1.0F;
  float sin1 = 0.0F;
  exact::cos_sin_turns(static_cast<float>(wrapped), &cos1, &sin1);
  const float nyquist_hz = 0.5F * static_cast<float>(contract.sample_rate_hz);
  float c = 1.0F;
  float s = 0.0F;
  for (int h = 0; h < contract.harmonics; ++h) {
    // (c + i s) * (cos1 + i sin1), harmonic h + 1
    const float next_c = exact::fma(c, cos1, -(s * sin1));
    const float next_s = exact::fma(s, cos1, c * sin1);
    c = next_c;
    s = next_s;
    const float ratio = static_cast<float>(h + 1) * f0_hz / nyquist_hz;
    const float fade = std::clamp((0.95F - ratio) / 0.15F, 0.0F, 1.0F);
    features[static_cast<std::size_t>(2 * h)] = c * fade;
    features[static_cast<std::size_t>(2 * h + 1)] = s * fade;
  }
}

float semitones_to_hz(float pitch_semitones) noexcept {
  return 440.0F * exact::exp2((pitch_semitones - 69.0F) * (1.0F / 12.0F));
}

}  // namespace ondes
