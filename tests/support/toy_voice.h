// A contract and a plan small enough to reason about: 24 kHz, hop 64, two harmonics, two
// instruments, and a level network of one layer: ln amplitude = 0 while held; after the release it
// falls with the decay exp(-age / 50 ms) from 0 to -9, which is below -80 dBFS.
#pragma once
#include <array>

#include "engine/conditioning/note_contract.h"
#include "engine/plan/step_plan.h"

namespace ondes {

inline constexpr float kToyReleasedLevel = -9.0F;

inline NoteContract toy_contract() {
  NoteContract contract;
  contract.sample_rate_hz = 24000;
  contract.hop_samples = 64;
  contract.harmonics = 2;
  contract.pitch_centres = {48.0F, 72.0F};
  contract.onset_decays_s = {0.02F};
  contract.release_decays_s = {0.05F};
  contract.instruments = {"piano", "flute"};
  contract.programs = {0, 73};
  return contract;
}

// Rows of toy_contract(): pitch, 2 bands, velocity, gate, onset decay, release decay, 2
// instruments.
inline StepPlan toy_plan(bool with_level = true) {
  static const std::array<float, 9> weights{
      0, 0, 0, 0, -kToyReleasedLevel, 0, -kToyReleasedLevel - 1.0F, 0, 0};
  static const std::array<float, 1> bias{kToyReleasedLevel};
  const NoteContract contract = toy_contract();
  StepPlan plan;
  plan.sample_rate_hz = contract.sample_rate_hz;
  plan.row_features = contract.row_features();
  plan.sample_features = contract.sample_features();
  if (with_level) {
    plan.level = {DenseOp{9, 1, weights, bias, Activation::none}};
  }
  return plan;
}

}  // namespace ondes
