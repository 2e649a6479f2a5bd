// What trainers have in common: the loop around their steps (validation, log, progress, checkpoints
// by the clock, interruption, early stop), averaging of weights, checkpoint files, devices.
//
// The log is WORK/log.jsonl: one JSON object every 20 steps and at every validation. Its "loss" is a
// running mean (each step weighs 0.02), which goes on where a run is resumed.
//
// Set-up thread.
#pragma once
#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/training/training_run.h"

namespace ondes {

struct LoopOptions {
  std::int64_t steps = 1;
  std::int64_t validate_every = 500;
  double checkpoint_every_s = 120.0;
  double samples_a_step = 1.0;  // for the speed that is reported
};

// A trainer, as the loop sees it.
class TrainingSteps {
 public:
  virtual ~TrainingSteps() = default;
  virtual std::int64_t steps_done() const = 0;
  // One more; returns its loss. Throws Error{bad_input} if that is not finite.
  virtual double train_step() = 0;
  virtual double validation_loss() = 0;
  // What the last step adds to the log: learning rate, parts of the loss.
  virtual nlohmann::json log_fields() const = 0;
  virtual void save_checkpoint() = 0;
  virtual void write_voice() = 0;

  // The running mean of the losses, for the log. The loop keeps it up, a checkpoint holds it; NaN
  // before the first step.
  double mean_loss = std::numeric_limits<double>::quiet_NaN();
};

// True when the last step was reached and the voice written; false where run.stop_after_steps ended
// it. Throws Error{interrupted}, after saving, if a signal came; Error{io} if the log cannot be
// written.
bool run_training(TrainingSteps* trainer, const LoopOptions& options, const TrainingRun& run);

// "cpu", "cuda" or "cuda:<n>"; Error{usage} for other names, Error{no_device} for absent devices.
torch::Device checked_device(const std::string& name);

// How much of the average stays at a step: `longest` in the end, less at first, because a young
// average would remember the random start for long.
double average_decay(double longest, std::int64_t step);
// averaged = decay * averaged + (1 - decay) * now, parameter by parameter.
void average_parameters(const torch::nn::Module& now, torch::nn::Module* averaged, double decay);

std::filesystem::path checkpoint_path(const TrainingRun& run);
void write_archive(torch::serialize::OutputArchive* archive, const std::filesystem::path& path);
// Calls `read`, turning what LibTorch or JSON throw about a file into Error{bad_input} naming it.
void read_archive(const std::filesystem::path& path,
                  const torch::Device& device,
                  const std::function<void(torch::serialize::InputArchive&)>& read);

}  // namespace ondes
