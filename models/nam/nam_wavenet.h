// WaveNet captures of the Neural Amp Modeler (.nam): configuration, weight names and the block plan
// they compile to.
//
// Arrays of gated, dilated, causal layers; c is the input signal, x the signal through the layers:
//
//   x_0    = R_a [c, or the previous array's x]
//   z_l    = activation(W_l * x_l + b_l + M_l c)      (gated: activation(first half) sigmoid(second))
//   x_l+1  = x_l + U_l z_l + u_l
//   head_a = H_a * (head_(a-1) + sum over l of z_l) + h_a
//   out    = head_scale * head of the last array
//
// A capture starts as if it had heard silence for ever (prewarm), which its receptive field of
// zeros brings about. Weights, in the order of the file, with C channels, B bottleneck, Z = B or,
// gated, 2 B:
//   arrays.<a>.rechannel.weight (C, I, 1)
//   arrays.<a>.layers.<l>.conv.weight (Z, C, K)   .conv.bias (Z)   .mixin.weight (Z, 1, 1)
//   arrays.<a>.layers.<l>.residual.weight (C, B, 1)   .residual.bias (C)
//   arrays.<a>.head.weight (H, B, K_h)   arrays.<a>.head.bias (H) where the array has one
//   head_scale (1)
// Source: NeuralAmpModelerCore (MIT), whose configuration keys are kept.
// Set-up thread. Everything throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

struct NamLayer {
  int taps = 3;
  int dilation = 1;
  BlockMap activation;
  bool gated = false;
};

struct NamArray {
  int input_channels = 1;
  int channels = 1;
  int bottleneck = 1;
  int head_channels = 1;
  int head_taps = 1;
  bool head_bias = false;
  std::vector<NamLayer> layers;
};

struct NamWavenetConfig {
  std::vector<NamArray> arrays;
};

using NamTensor = std::pair<std::string, std::vector<std::int64_t>>;

// Options of newer captures that are not at their neutral value (FiLM, blending, a condition
// network, a head after the arrays...) are refused by their names.
NamWavenetConfig nam_wavenet_config_from_json(const nlohmann::json& config,
                                              const std::string& name);

// In the order in which a .nam file lists the numbers.
std::vector<NamTensor> nam_wavenet_tensors(const NamWavenetConfig& config);

// Frames of silence after which nothing of the time before is heard.
int nam_receptive_frames(const NamWavenetConfig& config);

BlockPlan compile_nam_wavenet(const VoiceFile& voice);

}  // namespace ondes
