#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/mel_options.h"
#include "apps/output_path.h"
#include "apps/print.h"
#include "apps/progress.h"
#include "dsp/audio_file.h"
#include "dsp/log_mel.h"
#include "dsp/resample.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "models/mel_analysis.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr int kBlockFrames = 16384;

struct MelCommand {
  std::vector<std::string> inputs;
  std::string output;
  std::string container = "npy";
  std::string progress = "auto";
  bool force = false;
  bool json = false;
  MelOptions options;
};

// Mono at the analysis's rate, block by block, into frames; constant memory beside them.
class Analysis {
 public:
  explicit Analysis(const MelContract& contract) : log_mel_(streamable(contract)) {
    mel_.mels = contract.mels;
    mel_.contract = contract;
    log_mel_.prepare(kBlockFrames);
    frames_.resize(static_cast<std::size_t>(log_mel_.max_frames()) *
                   static_cast<std::size_t>(contract.mels));
  }

  void add(std::span<const float> mono) {
    samples_ += std::ssize(mono);
    while (!mono.empty()) {
      const auto size = std::min<std::size_t>(mono.size(), kBlockFrames);
      append(log_mel_.process(mono.first(size), view()));
      mono = mono.subspan(size);
    }
  }

  Mel finish(const std::string& name) {
    append(log_mel_.finish(view()));
    if (mel_.frames == 0) {
      throw Error(
          ErrorCode::bad_input,
          fmt::format("{}: expected enough samples for one frame, found {}", name, samples_));
    }
    if (mel_.contract->top_db > 0.0) {
      limit_range({mel_.values.data(), static_cast<int>(mel_.frames), mel_.mels},
                  mel_.contract->top_db);
    }
    return std::move(mel_);
  }

  std::int64_t samples() const { return samples_; }

 private:
  // top_db is applied at the end: it depends on the whole.
  static MelConfig streamable(const MelContract& contract) {
    MelConfig config = mel_config_of(contract);
    config.top_db = 0.0;
    return config;
  }
  Frames view() { return {frames_.data(), log_mel_.max_frames(), mel_.mels}; }
  void append(int count) {
    mel_.frames += count;
    mel_.values.insert(mel_.values.end(), frames_.begin(),
                       frames_.begin() + std::ptrdiff_t{count} * mel_.mels);
  }

  LogMel log_mel_;
  Mel mel_;
  std::vector<float> frames_;
  std::int64_t samples_ = 0;
};

void note(const std::string& text) {
  std::fputs(("ondes: " + text + "\n").c_str(), stderr);
}

// The mean of the channels, as librosa takes it.
void mix_down(ConstFrames in, std::vector<float>& mono) {
  mono.resize(static_cast<std::size_t>(in.frames()));
  for (int t = 0; t < in.frames(); ++t) {
    double sum = 0.0;
    for (const float value : in[t]) {
      sum += static_cast<double>(value);
    }
    mono[static_cast<std::size_t>(t)] = static_cast<float>(sum / in.channels());
  }
}

Mel analyse_file(const std::string& path, const MelContract& contract, const MelCommand& command) {
  AudioFileReader reader(path);
  const AudioInfo& info = reader.info();
  std::optional<Resampler> resampler;
  if (info.sample_rate_hz != contract.sample_rate_hz) {
    if (!command.options.rate_hz.has_value()) {
      throw Error(
          ErrorCode::bad_input,
          fmt::format("{}: sample rate: expected {} Hz, found {} (--rate {} resamples)", path,
                      contract.sample_rate_hz, info.sample_rate_hz, contract.sample_rate_hz));
    }
    note(fmt::format("{}: resampled from {} to {} Hz", path, info.sample_rate_hz,
                     contract.sample_rate_hz));
    resampler.emplace(info.sample_rate_hz, contract.sample_rate_hz, 1);
  }
  if (info.channels > 1) {
    note(fmt::format("{}: {} channels, analysed as their mean", path, info.channels));
  }
  Analysis analysis(contract);
  Progress progress(progress_mode(command.progress), path, info.frames, info.sample_rate_hz);
  std::vector<float> block(static_cast<std::size_t>(kBlockFrames) *
                           static_cast<std::size_t>(info.channels));
  std::vector<float> mono;
  std::vector<float> resampled;
  std::int64_t done = 0;
  for (int count = kBlockFrames; count == kBlockFrames; done += count) {
    check_interrupted();
    const Frames view(block.data(), kBlockFrames, info.channels);
    count = reader.read(view);
    mix_down(view.subview(0, count), mono);
    if (resampler) {
      resampled.clear();
      resampler->process({mono.data(), count, 1}, resampled);
      analysis.add(resampled);
    } else {
      analysis.add(mono);
    }
    progress.update(done + count);
  }
  if (resampler) {
    resampled.clear();
    resampler->finish(resampled);
    analysis.add(resampled);
  }
  return analysis.finish(path);
}

bool is_safetensors(const std::string& path) {
  return path.ends_with(".safetensors");
}

// One path an input; inside a folder they are named after their inputs.
std::vector<std::string> output_paths(const MelCommand& command) {
  std::error_code ignored;
  if (!fs::is_directory(command.output, ignored) && !command.output.ends_with('/')) {
    if (command.inputs.size() > 1) {
      throw Error(ErrorCode::usage,
                  "several inputs need a folder: -o " + command.output + " is not one");
    }
    if (!command.output.ends_with(".npy") && !is_safetensors(command.output) &&
        !is_special_output(command.output)) {
      throw Error(ErrorCode::usage,
                  "-o " + command.output + ": expected a name that ends in .npy or .safetensors");
    }
    return {command.output};
  }
  fs::create_directories(command.output, ignored);  // if not, writing says why
  std::vector<std::string> outputs;
  std::set<std::string> names;
  for (const std::string& input : command.inputs) {
    const std::string name = fs::path(input).stem().string() + "." + command.container;
    if (!names.insert(name).second) {
      throw Error(ErrorCode::usage,
                  "two inputs would both become " + name + " in " + command.output);
    }
    outputs.push_back((fs::path(command.output) / name).string());
  }
  return outputs;
}

void write_mel(const std::string& output, const MelCommand& command, const Mel& mel) {
  const bool carries_contract =
      is_safetensors(output) || (is_special_output(output) && command.container == "safetensors");
  const std::vector<std::byte> bytes =
      carries_contract ? write_mel_safetensors(mel) : write_mel_npy(mel);
  if (output == "-") {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
      throw Error(ErrorCode::io, "standard output: not everything was written");
    }
  } else {
    write_file_atomically(output, bytes);
  }
}

int run_mel(const MelCommand& command) {
  refuse_mixed_output(command.output, command.json);
  static_cast<void>(progress_mode(command.progress));
  const std::vector<std::string> outputs = output_paths(command);
  const MelContract contract = mel_contract_of(command.options);
  if (const int empty = LogMel(mel_config_of(contract)).empty_bands(); empty > 0) {
    note(fmt::format("{} of {} bands are narrower than a bin of the FFT and stay empty", empty,
                     contract.mels));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    refuse_own_input(command.inputs[i], outputs[i]);
    refuse_existing(outputs[i], command.force);
  }
  nlohmann::json files = nlohmann::json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Mel mel = analyse_file(command.inputs[i], contract, command);
    write_mel(outputs[i], command, mel);
    if (command.json) {
      files.push_back({{"input", command.inputs[i]},
                       {"output", outputs[i]},
                       {"mels", mel.mels},
                       {"frames", mel.frames}});
    } else {
      note(fmt::format("{}: {} bands, {} frames", outputs[i], mel.mels, mel.frames));
    }
  }
  if (command.json) {
    print_json({{"features", mel_contract_to_json(contract)}, {"files", files}});
  }
  return kExitDone;
}

}  // namespace

void add_mel_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("mel", "Log-mel features of sound files");
  auto command = std::make_shared<MelCommand>();
  sub->add_option("inputs", command->inputs, "Sound files; - is standard input")->required();
  sub->add_option("-o,--output", command->output,
                  "A .npy or .safetensors file (which carries its contract), a folder, or -")
      ->required();
  sub->add_option("--container", command->container, "In folders and pipes")
      ->check(CLI::IsMember({"npy", "safetensors"}))
      ->capture_default_str();
  add_mel_options(*sub, command->options);
  sub->add_flag("--force", command->force, "Replace an existing output");
  sub->add_flag("--json", command->json, "The contract and the files as JSON on standard output");
  sub->add_option("--progress", command->progress, "auto, json or none")->capture_default_str();
  sub->footer(
      "Profiles: hifigan, bigvgan, tacotron2, pwg and vocos as those vocoders were trained;\n"
      "librosa: decibels of librosa's melspectrogram; kaldi: filterbank features at 16 kHz.\n"
      "Every option of the analysis changes one thing in the profile. .npy is [mels, frames].");
  sub->callback([command, &action] { action = [command] { return run_mel(*command); }; });
}

}  // namespace ondes
