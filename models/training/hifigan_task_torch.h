// A mel-conditioned HiFi-GAN generator and the recordings it learns from, as adversarial_trainer.h
// wants them.
//
// A recipe (samples/configs/hifigan_*.json):
//   { "name": "...", "licence": "...",
//     "network":  {...},   // the keys of HiFi-GAN's config.json, see models/hifigan
//     "features": {"kind": "mel", ...},                  // engine/weights/mel_contract_json.h
//     "corpus":   {"validation_share": 0.02, "resample": true, "seed": 1},   // may be absent
//     "training": {"segments": 16, "segment_samples": 8192, ...} }   // adversarial_trainer.h
//
// The mel loss is HiFi-GAN's: the contract's FFT, hop, window and bands, but up to half the rate.
//
// Set-up thread. Throws Error{bad_input} naming file and field.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/hifigan/hifigan_config.h"
#include "models/training/adversarial_trainer.h"
#include "models/training/clip_corpus.h"
#include "models/training/mel_batches.h"

namespace ondes {

struct HifiganRecipe {
  std::string name;
  std::string licence;
  HifiganConfig network;
  MelContract contract;
  ClipCorpusSpec corpus;  // without the folder
  MelBatchOptions batches;
  AdversarialOptions training;
  nlohmann::json source;  // the whole file
};

HifiganRecipe hifigan_recipe_from_json(const nlohmann::json& json, const std::string& file);

// Recipe and corpus must outlive it.
std::unique_ptr<AdversarialTask> make_hifigan_task(const HifiganRecipe& recipe,
                                                   const ClipCorpus& corpus);

}  // namespace ondes
