// WaveNet: configuration, weight names, and the step plan it compiles to.
//
// Weights carry PyTorch's names and layouts (wavenet_torch.h trains the same module):
//   input.weight (R, 1+P)      input.bias (R)         [input.embedding (classes, R), input.weight (R, P)]
//   encoder.<i>.weight/bias    row features F -> C, relu after each but the last, which is tanh
//   layers.<l>.conv.weight (2G, R, K)   .conv.bias (2G)   .condition.weight (2G, C)
//   layers.<l>.residual.weight (R, G)   .residual.bias (R)      (not for the last layer)
//   layers.<l>.skip.weight (S, G)       skip.bias (S)
//   head.weight (A, S)  head.bias (A)   output.weight (O, A)  output.bias (O)
//   level.<i>.weight/bias      row features F -> 1, tanh after each but the last   (optional)
//   calibration.residual_absmax (L)                                                (optional)
// Set-up thread.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/plan/step_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

struct WavenetConfig {
  int residual_channels = 48;             // R
  int gate_channels = 48;                 // G
  int skip_channels = 96;                 // S
  int head_channels = 64;                 // A
  int taps = 2;                           // K, 2 or 3
  std::vector<int> dilations;             // one a layer, in order, all stacks
  std::vector<int> encoder_channels;      // outputs of each encoder layer; the last is C; empty: C = F
  std::vector<int> level_channels;        // hidden outputs of the level network; its last layer has 1
  bool has_level = false;
  InputKind input = InputKind::scalar;
  Distribution distribution = Distribution::logistic_mixture;
  int mixture_components = 4;
  int classes = 256;                      // of the mu-law categorical output
  float log_scale_floor = -9.0F;
};

WavenetConfig wavenet_config_from_json(const nlohmann::json& config, const std::string& name);
nlohmann::json wavenet_config_to_json(const WavenetConfig& config);

// Compiles a voice file's weights, or a network with random ones (benches, tests: seeded, scaled
// so that activations stay of order 1).
StepPlan compile_wavenet(const VoiceFile& voice);
StepPlan random_wavenet(const WavenetConfig& config, int sample_rate_hz, int row_features,
                        int sample_features, std::uint64_t seed);

}  // namespace ondes
