#include "models/training/wavenet_trainer.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>

#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/weights/voice_file.h"
#include "models/wavenet/wavenet_torch.h"

namespace ondes {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double learning_rate_at(const TrainingOptions& o, std::int64_t step) {
  if (step < o.warmup_steps) {
    return o.learning_rate * static_cast<double>(step + 1) / static_cast<double>(o.warmup_steps);
  }
  const double progress = static_cast<double>(step - o.warmup_steps) /
                          static_cast<double>(std::max<std::int64_t>(1, o.steps - o.warmup_steps));
  return o.final_learning_rate + (o.learning_rate - o.final_learning_rate) * 0.5 *
                                     (1.0 + std::cos(std::numbers::pi * std::min(1.0, progress)));
}

// "cpu", "cuda" or "cuda:<n>".
torch::Device checked_device(const std::string& name) {
  try {
    const torch::Device device(name);
    if (device.is_cpu()) {
      return device;
    }
    if (device.is_cuda()) {
      const int count = static_cast<int>(torch::cuda::device_count());
      if (count == 0 || device.index() >= count) {
        throw Error(ErrorCode::no_device, "device " + name + ": LibTorch sees " +
                                              std::to_string(count) + " CUDA devices");
      }
      return device;
    }
  } catch (const c10::Error&) {
    // falls through: not a name that LibTorch knows
  }
  throw Error(ErrorCode::usage, "device: expected cpu, cuda or cuda:<number>, found " + name);
}

// Everything a run is made of; what is saved is exactly what cannot be derived from the recipe.
class Trainer {
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
      load(checkpoint_path().string(), true);
    } else if (!run.start_from.empty()) {
      load(run.start_from.string(), false);
      fine_tuned_ = true;
    }
    log_.open(run.work_folder / "log.jsonl",
              run.resume || run.export_only ? std::ios::app : std::ios::trunc);
    if (!log_) {
      throw Error(ErrorCode::io, (run.work_folder / "log.jsonl").string() + ": cannot write");
    }
  }

  bool run() {
    if (run_.export_only) {
      export_voice();
      return true;
    }
    const TrainingOptions& o = recipe_.training;
    const double started = seconds_now();
    const std::int64_t first_step = step_;
    double saved_at = started;
    double mean_loss = std::nan("");
    double validation = std::nan("");
    while (step_ < o.steps) {
      const double loss = train_step();
      mean_loss = std::isnan(mean_loss) ? loss : 0.98 * mean_loss + 0.02 * loss;
      const bool last = step_ == o.steps;
      const bool validates = step_ % o.validate_every == 0 || last;
      if (validates) {
        validation = validation_loss();
      }
      const double elapsed = seconds_now() - started;
      const double per_step = elapsed / static_cast<double>(step_ - first_step);
      if (step_ % 20 == 0 || validates) {
        report({step_, o.steps, mean_loss, validation,
                o.batches.segments * o.batches.segment_samples / per_step,
                per_step * static_cast<double>(o.steps - step_)},
               validates);
      }
      const bool interrupted = run_.interrupted != nullptr && run_.interrupted();
      const bool stops = interrupted || step_ - first_step == run_.stop_after_steps;
      if (last || stops || seconds_now() - saved_at > o.checkpoint_every_s) {
        save();
        saved_at = seconds_now();
      }
      if (interrupted) {
        throw Error(ErrorCode::interrupted, "training interrupted at step " +
                                                std::to_string(step_) + "; continue with --resume");
      }
      if (stops && !last) {
        return false;
      }
    }
    export_voice();
    return true;
  }

 private:
  static WavenetModule seeded_module(const VoiceRecipe& recipe) {
    torch::manual_seed(recipe.training.seed);
    return WavenetModule(recipe.network, recipe.contract.row_features(),
                         recipe.contract.sample_features());
  }

  double train_step() {
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
    const torch::NoGradGuard no_grad;
    // A young average forgets fast, or it would remember the random start.
    const double age = fine_tuned_ ? 1e9 : static_cast<double>(step_);
    const double decay = std::min(o.ema_decay, (1.0 + age) / (10.0 + age));
    const auto now = module_->parameters();
    auto averaged = averaged_->parameters();
    for (std::size_t i = 0; i < now.size(); ++i) {
      averaged[i].lerp_(now[i], 1.0 - decay);
    }
    ++step_;
    return value;
  }

  double validation_loss() {
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

  void report(const TrainingProgress& progress, bool validated) {
    nlohmann::json line = {{"step", progress.step},
                           {"loss", progress.loss},
                           {"learning_rate", learning_rate_at(recipe_.training, step_ - 1)},
                           {"samples_per_s", std::round(progress.samples_per_s)}};
    if (validated) {
      line["validation_loss"] = progress.validation_loss;
    }
    log_ << line.dump() << '\n' << std::flush;
    if (run_.progress) {
      run_.progress(progress);
    }
  }

  std::filesystem::path checkpoint_path() const { return run_.work_folder / "checkpoint.pt"; }

  void save() {
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
    archive.write("fine_tuned", torch::tensor(fine_tuned_ ? 1 : 0));
    archive.write("recipe", c10::IValue(recipe_.source.dump()));
    std::ostringstream stream;
    archive.save_to(stream);
    const std::string bytes = std::move(stream).str();
    write_file_atomically(checkpoint_path().string(),
                          std::as_bytes(std::span(bytes.data(), bytes.size())));
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

  [[noreturn]] static void refuse_checkpoint(const std::string& path, const std::string& why) {
    throw Error(ErrorCode::bad_input,
                path + ": expected a checkpoint of ondes-train, found: " + why);
  }

  // Weights and averages; to continue the run, also what the optimizer and the schedule remember.
  void load(const std::string& path, bool continues) {
    if (!std::filesystem::exists(path)) {
      throw Error(ErrorCode::io, path + ": no such checkpoint");
    }
    try {
      torch::serialize::InputArchive archive;
      archive.load_from(path, device_);
      c10::IValue source;
      archive.read("recipe", source);
      if (continues) {
        check_same_network(nlohmann::json::parse(source.toStringRef()), path);
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
        torch::Tensor fine_tuned;
        if (archive.try_read("fine_tuned", fine_tuned)) {
          fine_tuned_ = fine_tuned.item<int>() != 0;
        }
      }
    } catch (const c10::Error& e) {
      refuse_checkpoint(path, e.what_without_backtrace());
    } catch (const nlohmann::json::exception& e) {
      refuse_checkpoint(path, e.what());
    }
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

  void export_voice() {
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
    const std::vector<std::byte> bytes = write_voice(description, tensors);
    write_file_atomically(run_.voice.string(), bytes);
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
  std::ofstream log_;
};

}  // namespace

bool train_wavenet(const VoiceRecipe& recipe, const NoteCorpus& corpus, const TrainingRun& run) {
  return Trainer(recipe, corpus, run).run();
}

}  // namespace ondes
