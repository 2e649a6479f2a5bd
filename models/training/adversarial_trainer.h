// Trains a generator of audio, first by spectral distance alone, then also against discriminators
// (HiFi-GAN, arXiv:2010.05646).
//
//   generator      w_stft STFT + w_mel log-mel + what its task adds
//                  + from adversarial_from_step on: w_adv (least squares) + w_feat feature matching
//   discriminators least squares, from adversarial_from_step on
//
// Both by AdamW, their rates falling exponentially; the exported generator is the exponential moving
// average of the trained one. What is generated, from what, is an AdversarialTask's business.
//
// Everything is a function of the configuration and its seeds: LibTorch's random state is set anew
// before every step from (seed, step), so that nothing of it needs saving. A run that is stopped and
// resumed ends with the same bits on the CPU as one that was not. Set-up thread. Throws
// Error{bad_input} at the first loss or gradient that is not finite, naming step and batch.
#pragma once
#include <torch/torch.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/training/discriminators_torch.h"
#include "models/training/note_corpus.h"
#include "models/training/training_run.h"

namespace ondes {

struct AdversarialOptions {
  std::int64_t steps = 100000;
  std::int64_t adversarial_from_step = 0;
  double learning_rate = 2e-4;
  double discriminator_learning_rate = 2e-4;
  std::int64_t warmup_steps = 0;  // over which the generator's rate rises from 0
  double decay = 0.999;           // of both rates, every decay_steps, continuously
  std::int64_t decay_steps = 1000;
  double weight_decay = 0.01;
  double gradient_clip = 10.0;  // norm; the discriminators' too
  double ema_decay = 0.999;
  double stft_weight = 1.0;
  double mel_weight = 45.0;  // where the task has a mel loss
  double adversarial_weight = 1.0;
  double feature_weight = 2.0;
  std::vector<SpectrogramShape> stft_resolutions = default_stft_resolutions();
  DiscriminatorsConfig discriminators;
  std::int64_t validate_every = 1000;
  int validation_batches = 8;
  double checkpoint_every_s = 300.0;
  std::uint64_t seed = 1;
};

// Reads a recipe's "training" object; the keys in `others` belong to the task, which reads them for
// itself. Throws Error{bad_input} naming file and field.
AdversarialOptions adversarial_options_from_json(const nlohmann::json& training,
                                                 const std::string& where,
                                                 const std::vector<std::string>& others);

// Samples that a segment must have at least, for the spectra and the discriminators.
int min_segment_samples(const AdversarialOptions& options);

using TensorMap = std::map<std::string, torch::Tensor>;

// One generator and the data it is trained on.
class AdversarialTask {
 public:
  virtual ~AdversarialTask() = default;
  // A fresh one; initial weights come from LibTorch's random state.
  virtual std::shared_ptr<torch::nn::Module> make_generator() const = 0;
  // A batch on the CPU, a pure function of (split, step).
  virtual TensorMap draw(Split split, std::int64_t step) const = 0;
  // What a batch was drawn from, for messages: "LJ001-0002 at 4096, ...".
  virtual std::string batch_name(Split split, std::int64_t step) const = 0;
  virtual torch::Tensor generate(torch::nn::Module& generator, const TensorMap& batch) const = 0;
  virtual torch::Tensor target(const TensorMap& batch) const = 0;  // (B, T), as generate()
  virtual std::int64_t batch_samples() const = 0;                  // B T, for speeds
  virtual const LogMelLoss* mel_loss() const { return nullptr; }
  // A further distance, weighed by the task; undefined: none.
  virtual torch::Tensor further_loss(const torch::Tensor& audio, const TensorMap& batch) const;
  // Sets the generator's weights from a voice file (fine-tuning).
  virtual void load_voice(torch::nn::Module* generator, const std::string& path) const = 0;
  // Writes a voice file; `training` goes into its description.
  virtual void write_voice(torch::nn::Module& generator,
                           const nlohmann::json& training,
                           const std::string& path) const = 0;
  // What must be the same for a run to be resumed.
  virtual nlohmann::json recipe() const = 0;
};

// True when the run reached its last step and the voice was written. run.start_from is a voice file.
// The losses that progress reports are the distances, without what the discriminators add: only
// those can be compared over a run.
bool train_adversarial(const AdversarialTask& task,
                       const AdversarialOptions& options,
                       const TrainingRun& run);

}  // namespace ondes
