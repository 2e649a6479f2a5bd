// LSTM captures of the Neural Amp Modeler (.nam): configuration, weight names and the block plan
// they compile to.
//
//   gates = W [x ; h] + b, in the order i, f, g, o;  c = f c + i g;  h = o tanh(c)   a layer
//   out   = w . h of the last layer + bias
//
// Layers start at the states in the file and then hear silence for prewarm_samples, as NAM does:
// half a second at the capture's rate, or one sample where the file names no rate.
// Weights, with I inputs and H hidden units:
//   layers.<l>.input_weight (4H, I)   .hidden_weight (4H, H)   .bias (4H)
//   layers.<l>.initial_hidden (H)     .initial_cell (H)
//   head.weight (1, H, 1)             head.bias (1)
// Source: NeuralAmpModelerCore (MIT), whose configuration keys are kept; prewarm_samples is ours.
// Set-up thread. Everything throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/weights/voice_file.h"
#include "models/nam/nam_wavenet.h"

namespace ondes {

struct NamLstmConfig {
  int layers = 1;
  int hidden = 1;
  int prewarm_samples = 1;
};

NamLstmConfig nam_lstm_config_from_json(const nlohmann::json& config, const std::string& name);

std::vector<NamTensor> nam_lstm_tensors(const NamLstmConfig& config);

BlockPlan compile_nam_lstm(const VoiceFile& voice);

}  // namespace ondes
