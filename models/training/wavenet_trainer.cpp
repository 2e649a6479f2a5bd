#include "models/training/wavenet_trainer.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/weights/voice_file.h"
#include "models/training/training_loop.h"
#include "models/wavenet/wavenet_torch.h"

namespace ondes {
namespace {

double learning_rate_at(const TrainingOptions& o, std::int64_t step) {
  if (step < o.warmup_steps) {
    return o.learning_rate * static_cast<double>(step + 1) / static_cast<double>(o.warmup_steps);
  }
  const double progress = static_cast<double>(step - o.warmup_steps) /
                          static_cast<double>(std::max<std::int64_t>(1, o.steps - o.warmup_steps));
  return o.final_learning_rate + (o.learning_rate - o.final_learning_rate) * 0.5 *
                                     (1.0 + std::cos(std::numbers::pi * std::min(1.0, progress)));
}

// Everything a run is made of; what is saved is exactly what cannot be derived from the recipe.
class Trainer : public TrainingSteps {
 public:
  Trainer(const VoiceRecipe& recipe, const NoteCorpus& corpus, const TrainingRun& run)
      : recipe_(recipe),
        run_(run),
        device_(checked_device(run.device)),
        batches_(corpus, recipe.contract),
        module_(seeded_module(recipe)),
        averaged_(seeded_module(recipe)),
        adam_(module_->parameters(),
              torch::optim::AdamOptions(recipe.training.learning_rate).betas({0.9, 0.99})) {
    module_->to(device_);
    averaged_->to(device_);
    for (torch::Tensor& p : averaged_->parameters()) {
      p.requires_grad_(false);
    }
    std::filesystem::create_directories(run.work_folder);
    if (run.resume || run.export_only) {
      load(checkpoint_path(run), true);
    } else if (!run.start_from.empty()) {
      load(run.start_from, false);
      fine_tuned_ = true;
    }
  }

  std::int64_t steps_done() const override { return step_; }

  double train_step() override {
    const TrainingOptions& o = recipe_.training;
    const WavenetBatch batch = batches_.draw(o.batches, Split::train, step_).to(device_);
    static_cast<torch::optim::AdamOptions&>(adam_.param_groups()[0].options())
        .lr(learning_rate_at(o, step_));
    adam_.zero_grad();
    const torch::Tensor loss = module_->loss(batch);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      std::string notes;
      for (const int note : batches_.notes(o.batches, Split::train, step_)) {
        notes += (notes.empty() ? "" : ", ") + std::to_string(note);
      }
      throw Error(ErrorCode::bad_input, "training step " + std::to_string(step_) +
                                            ": the loss is not finite (batch of notes " + notes +
                                            " drawn with seed " + std::to_string(o.batches.seed) +
                                            "); lower learning_rate, or check the " +
                                            "corpus; the last checkpoint is untouched");
    }
    loss.backward();
    torch::nn::utils::clip_grad_norm_(module_->parameters(), o.gradient_clip);
    adam_.step();
    const double decay = fine_tuned_ ? o.ema_decay : average_decay(o.ema_decay, step_);
    average_parameters(*module_, averaged_.get(), decay);
    ++step_;
    return value;
  }

  double validation_loss() override {
    const torch::NoGradGuard no_grad;
    NoteBatchOptions options = recipe_.training.batches;
    options.seed += 1;  // one fixed set of segments, whatever the step
    double sum = 0.0;
    for (int i = 0; i < recipe_.training.validation_batches; ++i) {
      sum +=
          averaged_->loss(batches_.draw(options, Split::validation, i).to(device_)).item<double>();
    }
    return sum / recipe_.training.validation_batches;
  }

  nlohmann::json log_fields() const override {
    return {{"learning_rate", learning_rate_at(recipe_.training, step_ - 1)}};
  }

  void save_checkpoint() override {
    torch::serialize::OutputArchive archive;
    torch::serialize::OutputArchive module;
    torch::serialize::OutputArchive averaged;
    torch::serialize::OutputArchive adam;
    module_->save(module);
    averaged_->save(averaged);
    adam_.save(adam);
    archive.write("module", module);
    archive.write("averaged", averaged);
    archive.write("adam", adam);
    archive.write("step", torch::tensor(step_));
    archive.write("mean_loss", torch::tensor(mean_loss, torch::kFloat64));
    archive.write("fine_tuned", torch::tensor(fine_tuned_ ? 1 : 0));
    archive.write("recipe", c10::IValue(recipe_.source.dump()));
    write_archive(&archive, checkpoint_path(run_));
  }

  void write_voice() override {
    std::map<std::string, TensorData> tensors = averaged_->export_tensors();
    tensors["calibration.residual_absmax"] = residual_absmax();
    if (recipe_.network.has_level) {
      tensors.merge(fit_level());
    }
    const nlohmann::json& corpus = batches_.corpus().provenance;
    const nlohmann::json description = {{"schema", kVoiceSchema},
                                        {"name", recipe_.name},
                                        {"architecture", "wavenet"},
                                        {"temperature", recipe_.temperature},
                                        {"sample_rate", recipe_.contract.sample_rate_hz},
                                        {"config", wavenet_config_to_json(recipe_.network)},
                                        {"features", note_contract_to_json(recipe_.contract)},
                                        {"training",
                                         {{"corpus", corpus},
                                          {"steps", step_},
                                          {"seed", recipe_.training.seed},
                                          {"validation_loss", validation_loss()},
                                          {"recipe", recipe_.source}}},
                                        {"licence", recipe_.licence}};
    const std::vector<std::byte> bytes = ondes::write_voice(description, tensors);
    write_file_atomically(run_.voice.string(), bytes);
  }

 private:
  static WavenetModule seeded_module(const VoiceRecipe& recipe) {
    torch::manual_seed(recipe.training.seed);
    return WavenetModule(recipe.network, recipe.contract.row_features(),
                         recipe.contract.sample_features());
  }

  // The corpus may have moved and the level network may be fitted anew; these must be the same.
  void check_same_network(const nlohmann::json& saved, const std::string& path) const {
    for (const char* part : {"features", "network", "training"}) {
      if (saved.at(part) != recipe_.source.at(part)) {
        throw Error(ErrorCode::bad_input, path + ": made with another \"" + part +
                                              "\"; resume with its own configuration, or train " +
                                              "into another folder");
      }
    }
  }

  // Weights and averages; to continue the run, also what the optimizer and the schedule remember.
  void load(const std::filesystem::path& path, bool continues) {
    read_archive(path, device_, [&](torch::serialize::InputArchive& archive) {
      c10::IValue source;
      archive.read("recipe", source);
      if (continues) {
        check_same_network(nlohmann::json::parse(source.toStringRef()), path.string());
      }
      torch::serialize::InputArchive module;
      torch::serialize::InputArchive averaged;
      archive.read("module", module);
      archive.read("averaged", averaged);
      module_->load(module);
      averaged_->load(averaged);
      if (continues) {
        torch::serialize::InputArchive adam;
        torch::Tensor step;
        archive.read("adam", adam);
        archive.read("step", step);
        adam_.load(adam);
        step_ = step.item<std::int64_t>();
        torch::Tensor mean;
        if (archive.try_read("mean_loss", mean)) {  // checkpoints of before have none
          mean_loss = mean.item<double>();
        }
        torch::Tensor fine_tuned;
        if (archive.try_read("fine_tuned", fine_tuned)) {
          fine_tuned_ = fine_tuned.item<int>() != 0;
        }
      }
    });
  }

  std::map<std::string, TensorData> fit_level() {
    std::vector<float> rows;
    std::vector<float> targets;
    batches_.level_examples(Split::train, &rows, &targets);
    const auto n = static_cast<std::int64_t>(targets.size());
    LevelFitOptions options = recipe_.level;
    options.channels = recipe_.network.level_channels;
    const LevelNetwork network = fit_level_network(
        torch::from_blob(rows.data(), {n, recipe_.contract.row_features()}),
        torch::from_blob(targets.data(), {n}), options, [this](int step, double rms_db) {
          if (run_.message) {
            run_.message("level network: step " + std::to_string(step) + ", error " +
                         std::to_string(rms_db) + " dB RMS");
          }
        });
    return network.export_tensors();
  }

  // Largest |h_l| over validation segments: the integer precisions scale by it.
  TensorData residual_absmax() {
    const torch::NoGradGuard no_grad;
    std::vector<float> largest(recipe_.network.dilations.size(), 0.0F);
    for (int i = 0; i < recipe_.training.validation_batches; ++i) {
      const auto hidden = averaged_->hidden_layers(
          batches_.draw(recipe_.training.batches, Split::validation, i).to(device_));
      for (std::size_t l = 0; l < largest.size(); ++l) {
        largest[l] = std::max(largest[l], hidden[2 * l].abs().max().item<float>());
      }
    }
    return tensor_from_floats(largest, {static_cast<std::int64_t>(largest.size())});
  }

  const VoiceRecipe& recipe_;
  const TrainingRun& run_;
  torch::Device device_;
  NoteBatches batches_;
  WavenetModule module_;
  WavenetModule averaged_;  // exponential moving average of the weights: what is exported
  torch::optim::Adam adam_;
  std::int64_t step_ = 0;
  bool fine_tuned_ = false;  // started from a checkpoint: the average is not young at step 0
};

}  // namespace

bool train_wavenet(const VoiceRecipe& recipe, const NoteCorpus& corpus, const TrainingRun& run) {
  const TrainingOptions& o = recipe.training;
  Trainer trainer(recipe, corpus, run);
  return run_training(
      &trainer,
      {o.steps, o.validate_every, o.checkpoint_every_s,
       static_cast<double>(std::int64_t{o.batches.segments} * o.batches.segment_samples)},
      run);
}

}  // namespace ondes
