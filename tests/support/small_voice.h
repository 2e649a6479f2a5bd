// A complete voice of a few hundred random weights, for tests of everything that takes a voice.
#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "models/wavenet/wavenet.h"

namespace ondes {

inline NoteContract small_contract() {
  NoteContract contract;
  contract.sample_rate_hz = 16000;
  contract.hop_samples = 32;
  contract.harmonics = 2;
  contract.pitch_centres = {48.0F, 72.0F};
  contract.pitch_width = 6.5F;
  contract.onset_decays_s = {0.003F, 0.1F};
  contract.release_decays_s = {0.05F};
  contract.instruments = {"piano", "flute"};
  contract.programs = {0, 73};
  return contract;
}

inline WavenetConfig small_config() {
  WavenetConfig config;
  config.residual_channels = 4;
  config.gate_channels = 3;
  config.skip_channels = 5;
  config.head_channels = 6;
  config.taps = 2;
  config.dilations = {1, 2, 4};
  config.encoder_channels = {7, 4};
  config.level_channels = {3};
  config.has_level = true;
  config.mixture_components = 2;
  return config;
}

inline nlohmann::json small_description(const WavenetConfig& config, const NoteContract& contract) {
  return {{"schema", kVoiceSchema},
          {"name", "small"},
          {"architecture", "wavenet"},
          {"sample_rate", contract.sample_rate_hz},
          {"config", wavenet_config_to_json(config)},
          {"features", note_contract_to_json(contract)},
          {"training", {{"steps", 0}}},
          {"licence", "CC0-1.0"}};
}

inline std::vector<std::byte> small_voice_bytes(const WavenetConfig& config = small_config(),
                                                const NoteContract& contract = small_contract(),
                                                std::uint64_t seed = 1) {
  return write_voice(
      small_description(config, contract),
      random_wavenet_tensors(config, contract.row_features(), contract.sample_features(), seed));
}

}  // namespace ondes
