// WaveNet: configuration, weight names, and the step plan it compiles to.
//
// Weights carry PyTorch's names and layouts (wavenet_torch.h trains the same module):
//   input.weight (R, 1+P)      input.bias (R)         [input.embedding (classes, R), input.weight
//   (R, P)] encoder.<i>.weight/bias    row features F -> C, relu after each but the last, which is
//   tanh layers.<l>.conv.weight (2G, R, K)   .conv.bias (2G)   .condition.weight (2G, C)
//   layers.<l>.residual.weight (R, G)   .residual.bias (R)      (not for the last layer)
//   layers.<l>.skip.weight (S, G)       skip.bias (S)
//   head.weight (A, S)  head.bias (A)   output.weight (O, A)  output.bias (O)
//   level.<i>.weight/bias      row features F -> 1, tanh after each but the last   (optional)
//   calibration.residual_absmax (L)                                                (optional)
//   upsample.*                 imported vocoders only (wavenet_upsampling.h)
// A tensor that is not in this list is refused, because it would be ignored in silence.
// Set-up thread. Everything throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/plan/step_plan.h"
#include "engine/weights/voice_file.h"
#include "models/wavenet/wavenet_upsampling.h"

namespace ondes {

struct WavenetConfig {
  int residual_channels = 48;         // R
  int gate_channels = 48;             // G
  int skip_channels = 96;             // S
  int head_channels = 64;             // A
  int taps = 2;                       // K, 2 or 3
  std::vector<int> dilations;         // one a layer, in order, all stacks
  std::vector<int> encoder_channels;  // outputs of each encoder layer; the last is C; empty: C = F
  std::vector<int> level_channels;    // hidden outputs of the level network; its last layer has 1
  bool has_level = false;
  InputKind input = InputKind::scalar;
  Distribution distribution = Distribution::logistic_mixture;
  int mixture_components = 4;
  int classes = 256;  // of the mu-law categorical output
  float log_scale_floor = -9.0F;
  // Stages that make a row a sample of an imported vocoder's mel; none: a frame is held for a hop.
  std::vector<WavenetUpsampling> upsampling;
};

// The JSON keys are the members' names; enumerators are the texts of their names. Required: the
// four channel counts, taps and dilations. `name` is what messages start with.
WavenetConfig wavenet_config_from_json(const nlohmann::json& config, const std::string& name);
nlohmann::json wavenet_config_to_json(const WavenetConfig& config);

// Every tensor the network has, with its shape; calibration.residual_absmax, which is optional,
// apart.
std::map<std::string, std::vector<std::int64_t>> wavenet_tensor_shapes(const WavenetConfig& config,
                                                                       int row_features,
                                                                       int sample_features);

// Compiles a voice file's weights, or a network with random ones (benches, tests: seeded, scaled
// so that activations stay of order 1). The voice's features must be of the kind "notes", or "mel"
// (imported vocoders: a row is a mel frame, F = its bands, P = 0). Where the voice was parsed from
// a span, the bytes must outlive the plan.
StepPlan compile_wavenet(const VoiceFile& voice);
StepPlan random_wavenet(const WavenetConfig& config,
                        int sample_rate_hz,
                        int row_features,
                        int sample_features,
                        std::uint64_t seed);

// The weights of random_wavenet, for voice files made by tests and tools.
std::map<std::string, TensorData> random_wavenet_tensors(const WavenetConfig& config,
                                                         int row_features,
                                                         int sample_features,
                                                         std::uint64_t seed);

}  // namespace ondes
