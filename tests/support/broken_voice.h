// A voice of finite weights whose samples are not always finite.
#pragma once
#include "tests/support/ondes_program.h"

namespace ondes {

// short_release_voice() with a flute whose amplitude is the greatest that a level network can ask for,
// 2^126: a note of it is still a number, a chord is not.
inline std::vector<std::byte> breaking_voice() {
  WavenetConfig config = small_config();
  config.level_channels.clear();
  const NoteContract contract = small_contract();
  auto tensors =
      random_wavenet_tensors(config, contract.row_features(), contract.sample_features(), 1);
  // pitch, 2 bands, velocity, gate, 2 onset decays, release decay, piano, flute
  const std::vector<float> weights{0, 0, 0, 0, 9, 0, 0, 8, 0, 1000};
  const std::vector<float> bias{-9};
  tensors["level.0.weight"] = tensor_from_floats(weights, {1, 10});
  tensors["level.0.bias"] = tensor_from_floats(bias, {1});
  return write_voice(small_description(config, contract), tensors);
}

}  // namespace ondes
