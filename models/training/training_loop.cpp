#include "models/training/training_loop.h"

#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/error.h"
#include "engine/files/atomic_file.h"

namespace ondes {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Log {
 public:
  explicit Log(const TrainingRun& run) : run_(run) {
    const std::filesystem::path path = run.work_folder / "log.jsonl";
    file_.open(path, run.resume || run.export_only ? std::ios::app : std::ios::trunc);
    if (!file_) {
      throw Error(ErrorCode::io, path.string() + ": cannot write");
    }
  }

  void write(const TrainingProgress& progress, bool validated, nlohmann::json line) {
    line["step"] = progress.step;
    line["loss"] = progress.loss;
    line["samples_per_s"] = std::round(progress.samples_per_s);
    if (validated) {
      line["validation_loss"] = progress.validation_loss;
    }
    file_ << line.dump() << '\n' << std::flush;
    if (run_.progress) {
      run_.progress(progress);
    }
  }

 private:
  const TrainingRun& run_;
  std::ofstream file_;
};

}  // namespace

bool run_training(TrainingSteps* trainer, const LoopOptions& options, const TrainingRun& run) {
  Log log(run);
  if (run.export_only) {
    trainer->write_voice();
    return true;
  }
  const double started = seconds_now();
  const std::int64_t first_step = trainer->steps_done();
  double saved_at = started;
  double validation = std::nan("");
  while (trainer->steps_done() < options.steps) {
    const double loss = trainer->train_step();
    const std::int64_t step = trainer->steps_done();
    double& mean_loss = trainer->mean_loss;
    mean_loss = std::isnan(mean_loss) ? loss : 0.98 * mean_loss + 0.02 * loss;
    const bool last = step == options.steps;
    const bool validates = step % options.validate_every == 0 || last;
    if (validates) {
      validation = trainer->validation_loss();
    }
    const double per_step = (seconds_now() - started) / static_cast<double>(step - first_step);
    if (step % 20 == 0 || validates) {
      log.write({step, options.steps, mean_loss, validation, options.samples_a_step / per_step,
                 per_step * static_cast<double>(options.steps - step)},
                validates, trainer->log_fields());
    }
    const bool interrupted = run.interrupted != nullptr && run.interrupted();
    const bool stops = interrupted || step - first_step == run.stop_after_steps;
    if (last || stops || seconds_now() - saved_at > options.checkpoint_every_s) {
      trainer->save_checkpoint();
      saved_at = seconds_now();
    }
    if (interrupted) {
      throw Error(ErrorCode::interrupted, "training interrupted at step " + std::to_string(step) +
                                              "; continue with --resume");
    }
    if (stops && !last) {
      return false;
    }
  }
  trainer->write_voice();
  return true;
}

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

double average_decay(double longest, std::int64_t step) {
  const double age = static_cast<double>(step);
  return std::min(longest, (1.0 + age) / (10.0 + age));
}

void average_parameters(const torch::nn::Module& now, torch::nn::Module* averaged, double decay) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> from = now.parameters();
  std::vector<torch::Tensor> to = averaged->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i].lerp_(from[i], 1.0 - decay);
  }
}

std::filesystem::path checkpoint_path(const TrainingRun& run) {
  return run.work_folder / kCheckpointName;
}

void write_archive(torch::serialize::OutputArchive* archive, const std::filesystem::path& path) {
  std::ostringstream stream;
  archive->save_to(stream);
  const std::string bytes = std::move(stream).str();
  write_file_atomically(path.string(), std::as_bytes(std::span(bytes.data(), bytes.size())));
}

void read_archive(const std::filesystem::path& path,
                  const torch::Device& device,
                  const std::function<void(torch::serialize::InputArchive&)>& read) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::io, path.string() + ": no such checkpoint");
  }
  const auto refuse = [&path](const std::string& why) {
    throw Error(ErrorCode::bad_input,
                path.string() + ": expected a checkpoint of ondes-train, found: " + why);
  };
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path.string(), device);
    read(archive);
  } catch (const c10::Error& e) {
    refuse(e.what_without_backtrace());
  } catch (const nlohmann::json::exception& e) {
    refuse(e.what());
  }
}

}  // namespace ondes
