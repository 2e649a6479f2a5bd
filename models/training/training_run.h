// What every trainer is asked to do and reports back. Set-up thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace ondes {

struct TrainingProgress {
  std::int64_t step = 0;
  std::int64_t steps = 0;
  double loss = 0.0;             // running mean, in the trainer's unit
  double validation_loss = 0.0;  // of the averaged weights; NaN until measured
  double samples_per_s = 0.0;
  double seconds_left = 0.0;
};

inline constexpr const char* kCheckpointName = "checkpoint.pt";

struct TrainingRun {
  std::filesystem::path work_folder;  // checkpoint.pt, log.jsonl
  std::filesystem::path voice;        // written at the end
  bool resume = false;
  bool export_only = false;  // writes the voice of the checkpoint as it stands, and trains nothing
  // What a fresh run's weights start from (fine-tuning): train_wavenet takes a checkpoint of the
  // same network, train_adversarial a voice file. Configuration, optimizer and step count are not
  // taken over. Empty: random weights.
  std::filesystem::path start_from;
  std::string device = "cpu";
  std::int64_t stop_after_steps = -1;        // checkpoint and return early; for tests of resuming
  bool (*interrupted)() noexcept = nullptr;  // asked after every step
  std::function<void(const TrainingProgress&)> progress;
  std::function<void(const std::string&)> message;
};

}  // namespace ondes
