// The note generator: configuration, weight names, and the harmonic-plus-noise plan it compiles to.
//
// Tensors (H partials, N noise bands, K noise taps, F row features):
//   controls.<i>.weight/bias   F -> H + N, relu between
//   detune.<i>.weight/bias     F -> H, tanh between         (optional)
//   level.<i>.weight/bias      F -> 1, tanh between
//   noise.kernel (K, N)        taps of each noise band (noise_kernel())
// A tensor that is not in this list is refused, because it would be ignored in silence.
// Set-up thread. Everything throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/plan/harmonic_noise_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

struct NoteGeneratorConfig {
  int partials = 96;                               // H
  int noise_bands = 48;                            // N
  int noise_taps = 256;                            // K, even
  std::vector<int> control_channels = {256, 256};  // hidden
  std::vector<int> detune_channels;                // hidden; empty with has_detune: one layer
  bool has_detune = true;
  std::vector<int> level_channels = {64, 64};  // hidden
};

// The JSON keys are the members' names. `name` is what messages start with.
NoteGeneratorConfig note_generator_config_from_json(const nlohmann::json& config,
                                                    const std::string& name);
nlohmann::json note_generator_config_to_json(const NoteGeneratorConfig& config);

// Every tensor the network has, with its shape.
std::map<std::string, std::vector<std::int64_t>> note_generator_tensor_shapes(
    const NoteGeneratorConfig& config, int row_features);

// (K, N): column b is the zero-phase filter of a triangular band, Hann-windowed. The bands' centres
// lie from 0 to half the sample rate, evenly on the mel scale (O'Shaughnessy's), and the triangles
// add up to 1.
std::vector<float> noise_kernel(const NoteGeneratorConfig& config, int sample_rate_hz);

// The voice's features must be of the kind "notes", with `phase`.
HarmonicNoisePlan compile_note_generator(const VoiceFile& voice);

}  // namespace ondes
