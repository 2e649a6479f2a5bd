// Trains a note generator (models/note_generator) from a note corpus, through train_adversarial():
// segments of notes at one level (note_analysis.h), partials where partial_analysis.h finds them.
//
//   distance = mean over resolutions of  mean |ln(|Y| + e) - ln(|X| + e)|
//                                       + mean over segments of ||Y| - |X||_1 / ||X|_1
//
// with spectra scaled so that a sine reads its amplitude and e = 1e-5: -100 dB of full scale, below
// which recordings are silence. (The trainer's own STFT loss has its floor 20 dB lower at these
// sizes, and its norms weigh loud partials more: a recipe for notes sets its weight to 0.)
//
// Set-up thread.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/note_generator/note_generator_torch.h"
#include "models/training/adversarial_trainer.h"
#include "models/training/detune_network_torch.h"
#include "models/training/level_network_torch.h"
#include "models/training/note_batches.h"

namespace ondes {

// A training configuration file (samples/configs/chamber-live.json).
struct NoteGeneratorRecipe {
  std::string name;
  std::string licence;
  double temperature = 1.0;  // of the noise, to play it with
  NoteContract contract;
  NoteGeneratorConfig network;
  LevelFitOptions level;
  DetuneFitOptions detune;
  NoteBatchOptions batches;
  std::vector<SpectrogramShape> resolutions;
  AdversarialOptions training;
  nlohmann::json source;  // the whole file
};

// Throws Error{bad_input} naming file and field, unknown ones included.
NoteGeneratorRecipe note_generator_recipe_from_json(const nlohmann::json& json,
                                                    const std::string& file);

class NoteGeneratorTask : public AdversarialTask {
 public:
  // Analyses the corpus and fits the detune network. Both must outlive the task.
  NoteGeneratorTask(const NoteGeneratorRecipe& recipe,
                    const NoteCorpus& corpus,
                    std::function<void(const std::string&)> message);

  std::shared_ptr<torch::nn::Module> make_generator() const override;
  TensorMap draw(Split split, std::int64_t step) const override;
  std::string batch_name(Split split, std::int64_t step) const override;
  torch::Tensor generate(torch::nn::Module& generator, const TensorMap& batch) const override;
  torch::Tensor target(const TensorMap& batch) const override;
  std::int64_t batch_samples() const override;
  torch::Tensor further_loss(const torch::Tensor& audio, const TensorMap& batch) const override;
  void load_voice(torch::nn::Module* generator, const std::string& path) const override;
  void write_voice(torch::nn::Module& generator,
                   const nlohmann::json& training,
                   const std::string& path) const override;
  nlohmann::json recipe() const override;

 private:
  void say(const std::string& text) const;

  const NoteGeneratorRecipe& recipe_;
  std::function<void(const std::string&)> message_;
  NoteBatches batches_;
  DetuneNetwork detune_;
  std::vector<Spectrogram> spectrograms_;
};

}  // namespace ondes
