// The configuration a note voice is trained from (samples/configs/*.json): what the network is, what
// it hears, how it is trained. Set-up thread.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/conditioning/note_contract.h"
#include "models/training/level_network_torch.h"
#include "models/training/note_batches.h"
#include "models/wavenet/wavenet.h"

namespace ondes {

struct TrainingOptions {
  std::int64_t steps = 10000;
  NoteBatchOptions batches;
  double learning_rate = 1.5e-3;
  double final_learning_rate = 2e-5;
  std::int64_t warmup_steps = 200;
  double gradient_clip = 1.0;
  double ema_decay = 0.999;
  std::int64_t validate_every = 500;
  int validation_batches = 8;
  double checkpoint_every_s = 120.0;
  std::uint64_t seed = 1;
};

// A training configuration file (samples/configs/*.json).
struct VoiceRecipe {
  std::string name;
  std::string licence;
  double temperature = 1.0;  // to play it with
  NoteContract contract;
  WavenetConfig network;
  LevelFitOptions level;
  TrainingOptions training;
  nlohmann::json source;  // the whole file
};

// `file` is what messages start with. Throws Error{bad_input} naming it and the field, unknown ones
// included.
VoiceRecipe voice_recipe_from_json(const nlohmann::json& json, const std::string& file);

}  // namespace ondes
