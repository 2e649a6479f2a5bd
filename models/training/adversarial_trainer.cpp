#include "models/training/adversarial_trainer.h"

#include <cmath>

#include "engine/error.h"
#include "engine/random/philox.h"
#include "models/training/signals_held_back.h"
#include "models/training/training_loop.h"

namespace ondes {
namespace {

constexpr std::uint64_t kWeightStream = 1;  // identities of random streams under the run's seed
constexpr std::uint64_t kStepStream = 2;

void seed_torch(std::uint64_t seed, std::uint64_t stream, std::int64_t step) {
  const PhiloxBlock draw = philox_draw(seed, stream, static_cast<std::uint64_t>(step));
  torch::manual_seed((std::uint64_t{draw[0]} << 32U) | draw[1]);
}

torch::optim::AdamW adam_w(const torch::nn::Module& module, double rate, double weight_decay) {
  return torch::optim::AdamW(
      module.parameters(),
      torch::optim::AdamWOptions(rate).betas({0.8, 0.99}).weight_decay(weight_decay));
}

void set_rate(torch::optim::AdamW* optimizer, double rate) {
  static_cast<torch::optim::AdamWOptions&>(optimizer->param_groups()[0].options()).lr(rate);
}

void set_trains(torch::nn::Module* module, bool trains) {
  for (torch::Tensor& p : module->parameters()) {
    p.requires_grad_(trains);
  }
}

class Trainer : public TrainingSteps {
 public:
  Trainer(const AdversarialTask& task, const AdversarialOptions& options, const TrainingRun& run)
      : task_(task),
        options_(options),
        run_(run),
        device_(checked_device(run.device)),
        stft_(options.stft_resolutions),
        generator_(seeded_generator()),
        averaged_(seeded_generator()),
        discriminators_(options.discriminators),
        generator_adam_(adam_w(*generator_, options.learning_rate, options.weight_decay)),
        discriminator_adam_(
            adam_w(*discriminators_, options.discriminator_learning_rate, options.weight_decay)) {
    generator_->to(device_);
    averaged_->to(device_);
    discriminators_->to(device_);
    set_trains(averaged_.get(), false);
    std::filesystem::create_directories(run.work_folder);
    if (run.resume || run.export_only) {
      load_checkpoint();
    } else if (!run.start_from.empty()) {
      task.load_voice(generator_.get(), run.start_from.string());
      task.load_voice(averaged_.get(), run.start_from.string());
      fine_tuned_ = true;
    }
  }

  std::int64_t steps_done() const override { return step_; }

  double train_step() override {
    const SignalsHeldBack held;
    seed_torch(options_.seed, kStepStream, step_);
    const TensorMap batch = on_device(task_.draw(Split::train, step_));
    const torch::Tensor target = task_.target(batch);
    const double progress = static_cast<double>(step_) / static_cast<double>(options_.decay_steps);
    const double fall = std::pow(options_.decay, progress);
    const double rise =
        step_ < options_.warmup_steps
            ? static_cast<double>(step_ + 1) / static_cast<double>(options_.warmup_steps)
            : 1.0;
    log_ = nlohmann::json::object();
    log_["learning_rate"] = options_.learning_rate * fall * rise;
    set_rate(&generator_adam_, options_.learning_rate * fall * rise);
    set_rate(&discriminator_adam_, options_.discriminator_learning_rate * fall);

    const torch::Tensor audio = task_.generate(*generator_, batch);
    const bool adversarial = step_ >= options_.adversarial_from_step;
    if (adversarial) {
      const torch::Tensor loss =
          discriminator_loss(discriminators_(torch::cat({target, audio.detach()})));
      descend(loss, "discriminators' loss", discriminators_.get(), &discriminator_adam_);
      log_["discriminators"] = loss.item<double>();
    }
    torch::Tensor loss = distance(audio, target, batch, &log_);
    const double distance_value = loss.item<double>();
    if (adversarial) {
      loss = loss + judged(audio, target);
    }
    descend(loss, "generator's loss", generator_.get(), &generator_adam_);
    const double decay =
        fine_tuned_ ? options_.ema_decay : average_decay(options_.ema_decay, step_);
    average_parameters(*generator_, averaged_.get(), decay);
    ++step_;
    return distance_value;
  }

  double validation_loss() override {
    const SignalsHeldBack held;
    const torch::NoGradGuard no_grad;
    double sum = 0.0;
    for (int i = 0; i < options_.validation_batches; ++i) {
      seed_torch(options_.seed, kStepStream, -1 - i);
      const TensorMap batch = on_device(task_.draw(Split::validation, i));
      sum += distance(task_.generate(*averaged_, batch), task_.target(batch), batch, nullptr)
                 .item<double>();
    }
    return sum / options_.validation_batches;
  }

  nlohmann::json log_fields() const override { return log_; }

  void save_checkpoint() override {
    torch::serialize::OutputArchive archive;
    const auto put = [&archive](const std::string& name, const auto& saved) {
      torch::serialize::OutputArchive part;
      saved.save(part);
      archive.write(name, part);
    };
    put("generator", *generator_);
    put("averaged", *averaged_);
    put("discriminators", *discriminators_);
    put("generator_adam", generator_adam_);
    put("discriminator_adam", discriminator_adam_);
    archive.write("step", torch::tensor(step_));
    archive.write("mean_loss", torch::tensor(mean_loss, torch::kFloat64));
    archive.write("fine_tuned", torch::tensor(fine_tuned_ ? 1 : 0));
    archive.write("recipe", c10::IValue(task_.recipe().dump()));
    write_archive(&archive, checkpoint_path(run_));
  }

  void write_voice() override {
    const nlohmann::json training = {{"steps", step_},
                                     {"validation_loss", validation_loss()},
                                     {"fine_tuned", fine_tuned_},
                                     {"recipe", task_.recipe()}};
    task_.write_voice(*averaged_, training, run_.voice.string());
  }

 private:
  std::shared_ptr<torch::nn::Module> seeded_generator() const {
    seed_torch(options_.seed, kWeightStream, 0);
    return task_.make_generator();
  }

  TensorMap on_device(TensorMap batch) const {
    for (auto& [name, tensor] : batch) {
      tensor = tensor.to(device_);
    }
    return batch;
  }

  // Without discriminators: what a validation measures too.
  torch::Tensor distance(const torch::Tensor& audio,
                         const torch::Tensor& target,
                         const TensorMap& batch,
                         nlohmann::json* log) const {
    torch::Tensor sum = torch::zeros({}, audio.options());
    const auto add = [&](const char* name, double weight, const torch::Tensor& loss) {
      sum = sum + weight * loss;
      if (log != nullptr) {
        (*log)[name] = loss.item<double>();
      }
    };
    if (options_.stft_weight > 0.0) {
      add("stft", options_.stft_weight, stft_(audio, target));
    }
    if (task_.mel_loss() != nullptr && options_.mel_weight > 0.0) {
      add("mel", options_.mel_weight, (*task_.mel_loss())(audio, target));
    }
    const torch::Tensor further = task_.further_loss(audio, batch);
    if (further.defined()) {
      add("further", 1.0, further);
    }
    return sum;
  }

  torch::Tensor judged(const torch::Tensor& audio, const torch::Tensor& target) {
    set_trains(discriminators_.get(), false);  // the generator's turn: no gradients for the judges
    std::vector<Judgement> recorded;
    {
      const torch::NoGradGuard no_grad;
      recorded = discriminators_(target);
    }
    const std::vector<Judgement> generated = discriminators_(audio);
    set_trains(discriminators_.get(), true);
    const torch::Tensor adversarial = generator_loss(generated);
    const torch::Tensor features = feature_matching_loss(recorded, generated);
    log_["adversarial"] = adversarial.item<double>();
    log_["features"] = features.item<double>();
    return options_.adversarial_weight * adversarial + options_.feature_weight * features;
  }

  // One step of one optimizer. Nothing is changed where loss or gradient are not finite.
  void descend(const torch::Tensor& loss,
               const char* name,
               torch::nn::Module* module,
               torch::optim::AdamW* optimizer) {
    if (!std::isfinite(loss.item<double>())) {
      refuse(std::string("the ") + name);
    }
    optimizer->zero_grad();
    loss.backward();
    const double norm =
        torch::nn::utils::clip_grad_norm_(module->parameters(), options_.gradient_clip);
    if (!std::isfinite(norm)) {
      refuse(std::string("the gradient of the ") + name);
    }
    optimizer->step();
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::bad_input,
                "training step " + std::to_string(step_) + ": " + what +
                    " is not finite (batch of " + task_.batch_name(Split::train, step_) +
                    ", seed " + std::to_string(options_.seed) +
                    "); lower the learning rates, or check the data; the last checkpoint is " +
                    "untouched");
  }

  void load_checkpoint() {
    const std::filesystem::path path = checkpoint_path(run_);
    read_archive(path, device_, [&](torch::serialize::InputArchive& archive) {
      c10::IValue recipe;
      archive.read("recipe", recipe);
      check_same(nlohmann::json::parse(recipe.toStringRef()), path.string());
      const auto get = [&archive](const std::string& name, auto* loaded) {
        torch::serialize::InputArchive part;
        archive.read(name, part);
        loaded->load(part);
      };
      get("generator", generator_.get());
      get("averaged", averaged_.get());
      get("discriminators", discriminators_.get());
      get("generator_adam", &generator_adam_);
      get("discriminator_adam", &discriminator_adam_);
      torch::Tensor step;
      torch::Tensor fine_tuned;
      archive.read("step", step);
      archive.read("fine_tuned", fine_tuned);
      step_ = step.item<std::int64_t>();
      fine_tuned_ = fine_tuned.item<int>() != 0;
      torch::Tensor mean;
      if (archive.try_read("mean_loss", mean)) {  // checkpoints of before have none
        mean_loss = mean.item<double>();
      }
    });
    set_trains(averaged_.get(), false);
  }

  void check_same(const nlohmann::json& saved, const std::string& path) const {
    const nlohmann::json recipe = task_.recipe();
    for (const auto& [part, value] : recipe.items()) {
      if (!saved.contains(part) || saved.at(part) != value) {
        throw Error(ErrorCode::bad_input, path + ": made with another \"" + part +
                                              "\"; resume with its own configuration, or train " +
                                              "into another folder");
      }
    }
  }

  const AdversarialTask& task_;
  const AdversarialOptions& options_;
  const TrainingRun& run_;
  torch::Device device_;
  MultiResolutionStftLoss stft_;
  std::shared_ptr<torch::nn::Module> generator_;
  std::shared_ptr<torch::nn::Module> averaged_;  // what is exported
  Discriminators discriminators_;
  torch::optim::AdamW generator_adam_;
  torch::optim::AdamW discriminator_adam_;
  std::int64_t step_ = 0;
  bool fine_tuned_ = false;  // the average is not young at step 0
  nlohmann::json log_;
};

}  // namespace

torch::Tensor AdversarialTask::further_loss(const torch::Tensor&, const TensorMap&) const {
  return {};
}

bool train_adversarial(const AdversarialTask& task,
                       const AdversarialOptions& options,
                       const TrainingRun& run) {
  const auto make = [&] {
    const SignalsHeldBack held;  // the first parallel loop starts threads, which inherit this
    return std::make_unique<Trainer>(task, options, run);
  };
  const std::unique_ptr<Trainer> trainer = make();
  return run_training(trainer.get(),
                      {options.steps, options.validate_every, options.checkpoint_every_s,
                       static_cast<double>(task.batch_samples())},
                      run);
}

}  // namespace ondes
