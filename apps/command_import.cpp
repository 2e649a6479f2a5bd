// ondes import: other projects' weights become a voice file, with a report on what was taken.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/output_path.h"
#include "apps/print.h"
#include "apps/voice_calibration.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/plan/block_runner.h"
#include "engine/random/philox.h"
#include "models/block_calibration.h"
#include "models/importers/import_voice.h"
#include "models/importers/voice_reimport.h"
#include "models/registry.h"

namespace ondes {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{1} << 20U;
constexpr const char* kConfigName = "config.json";
constexpr const char* kVoiceExtension = ".safetensors";

struct ImportOptions {
  std::string input;
  std::string config;
  std::string output;
  std::string licence;
  std::string name;
  std::vector<std::string> calibrate;
  std::string speaker_names;
  int threads = 0;
  bool force = false;
  bool json = false;
};

// What the compiled network made of a seeded signal, by the fast runner and by the judge: that Ondes
// plays these weights as it means to. What the program they come from makes of them is not known.
struct SelfCheck {
  int frames = 0;
  bool sound_in = false;  // frames are samples; else mel frames
  std::size_t samples = 0;
  float largest_sample = 0.0F;
  float largest_difference = 0.0F;
};

// The configuration that was asked for, or the one beside the file where there is one.
std::string find_config(const ImportOptions& options) {
  if (!options.config.empty() || is_capture_path(options.input)) {
    return options.config;
  }
  const fs::path beside = fs::path(options.input).parent_path() / kConfigName;
  std::error_code ignored;
  return fs::is_regular_file(beside, ignored) ? beside.string() : std::string();
}

std::string read_config(const std::string& path) {
  if (path.empty()) {
    return {};
  }
  const MappedFile file(path);
  if (file.bytes().size() > kMaxConfigBytes) {
    throw Error(ErrorCode::bad_input, path + ": expected a configuration of at most " +
                                          std::to_string(kMaxConfigBytes) + " bytes, found " +
                                          std::to_string(file.bytes().size()));
  }
  const std::string text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw Error(ErrorCode::bad_input,
                path + ": expected a configuration (JSON), found an empty file");
  }
  return text;
}

// "a,b,c" as that many names. What `render --speaker` could take for a row's number is no name.
std::vector<std::string> speaker_names(const std::string& text) {
  std::vector<std::string> names;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    if (name.empty() || name.find_first_not_of("0123456789") == std::string::npos) {
      throw Error(
          ErrorCode::usage,
          "--speaker-names " + quote(text) + ": expected names with a comma between them, " +
              (name.empty()
                   ? "found an empty one"
                   : "found the number " + quote(name) + ", which --speaker would take for a row"));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      throw Error(ErrorCode::usage, "--speaker-names " + quote(text) +
                                        ": expected names that differ, found " + quote(name) +
                                        " twice");
    }
    names.push_back(name);
    begin = end + 1;
  }
  return names;
}

void name_speakers(const std::string& text, const std::string& path, ImportedVoice* voice) {
  const std::vector<std::string> names = speaker_names(text);
  const std::vector<std::byte> bytes = write_voice(voice->description, voice->tensors);
  const int count = speaker_count(parse_voice(bytes, path));
  if (count == 0) {
    throw Error(ErrorCode::usage, "--speaker-names: " + path + " has no speakers to name");
  }
  if (names.size() != static_cast<std::size_t>(count)) {
    throw Error(ErrorCode::usage, "--speaker-names: expected " + std::to_string(count) +
                                      " names, a speaker each, found " +
                                      std::to_string(names.size()));
  }
  voice->description["speakers"] = names;
  std::erase(voice->report.unknown, unknown_speaker_names(count));
}

// Uniform in [-1, 1): the fast runner is compared with the judge on anything finite.
std::vector<float> seeded_input(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto words = philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, {1, 0});
    values[i] = static_cast<float>(words[0]) * 0x1p-31F - 1.0F;
  }
  return values;
}

std::vector<float> run_fast(const BlockPlan& plan, ConstFrames input) {
  BlockRunnerOptions options;
  options.max_block_frames = 4;
  const auto runner = make_cpu_block_runner(plan, options);
  std::vector<float> block(static_cast<std::size_t>(runner->max_output_frames()));
  const Frames output(block.data(), runner->max_output_frames(), 1);
  std::vector<float> samples;
  runner->start(0);
  for (int at = 0; at < input.frames(); at += options.max_block_frames) {
    const ConstFrames part =
        input.subview(at, std::min(options.max_block_frames, input.frames() - at));
    const int made = runner->process(0, std::span(&part, 1), output);
    samples.insert(samples.end(), block.begin(), block.begin() + made);
  }
  while (const int made = runner->finish(0, output)) {
    samples.insert(samples.end(), block.begin(), block.begin() + made);
  }
  return samples;
}

// Nothing for voices that make a sample a step.
std::optional<SelfCheck> check_voice(const VoiceFile& voice) {
  if (!is_block_voice(voice)) {
    static_cast<void>(compile_step_plan(voice));
    return std::nullopt;
  }
  const BlockPlan plan = compile_block_plan(voice);
  const int channels = plan.values[static_cast<std::size_t>(plan.inputs[0])].channels;
  SelfCheck check;
  check.sound_in = channels == 1;
  check.frames = check.sound_in ? 256 : 12;
  const auto values = seeded_input(static_cast<std::size_t>(check.frames * channels));
  const ConstFrames input(values.data(), check.frames, channels);
  const std::vector<float> judged = evaluate_block_plan(plan, std::span(&input, 1));
  const std::vector<float> fast = run_fast(plan, input);
  check.samples = judged.size();
  if (fast.size() != judged.size()) {
    throw Error(ErrorCode::bad_input, voice.weights.name + ": self-check: expected " +
                                          std::to_string(judged.size()) + " samples, found " +
                                          std::to_string(fast.size()));
  }
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const float difference = std::fabs(judged[i] - fast[i]);
    if (!std::isfinite(judged[i]) || !std::isfinite(difference)) {
      throw Error(ErrorCode::bad_input, voice.weights.name +
                                            ": self-check: expected finite samples, found one that "
                                            "is not: the weights do not make a sane network");
    }
    check.largest_sample = std::max(check.largest_sample, std::fabs(judged[i]));
    check.largest_difference = std::max(check.largest_difference, difference);
  }
  return check;
}

// Measures on the voice as it is so far, and adds what was measured to it.
Calibration add_calibration(const ImportOptions& options, ImportedVoice* voice) {
  std::erase_if(voice->tensors,
                [](const auto& tensor) { return is_block_calibration(tensor.first); });
  const std::vector<std::byte> bytes = write_voice(voice->description, voice->tensors);
  const int threads =
      options.threads != 0
          ? options.threads
          : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
  Calibration calibration = calibrate_voice(
      make_voice(parse_voice(bytes, options.input), options.input), options.calibrate, threads);
  voice->tensors.insert(calibration.tensors.begin(), calibration.tensors.end());
  voice->description["calibration"] = {{"clips", calibration_json(calibration)["clips"]}};
  return calibration;
}

std::string check_text(const std::optional<SelfCheck>& check) {
  if (!check) {
    return "that the weights make a network that Ondes can play; nothing was played, and nothing "
           "compared with the program they come from";
  }
  return fmt::format(
      "{} {} of noise were played by the fast code and by its slow reference: {} samples, the "
      "loudest {:.3g}, differing by at most {:.2g}; not compared with the program the weights come "
      "from, whose output is not in the file",
      check->frames, check->sound_in ? "samples" : "mel frames", check->samples,
      check->largest_sample, check->largest_difference);
}

nlohmann::json report_json(const ImportOptions& options,
                           const ImportedVoice& voice,
                           const std::optional<SelfCheck>& check) {
  const ImportReport& report = voice.report;
  nlohmann::json object = {{"input", options.input},
                           {"output", options.output},
                           {"format", report.format},
                           {"name", voice.description["name"]},
                           {"architecture", voice.description["architecture"]},
                           {"sample_rate", voice.description["sample_rate"]},
                           {"tensors", report.tensors_used},
                           {"parameters", report.parameters},
                           {"weight_norm_folded", report.folded.size()},
                           {"unused", report.unused},
                           {"assumed", report.assumed},
                           {"unknown", report.unknown}};
  object["checked"] = check_text(check);
  if (check) {
    object["self_check"] = {{"input_frames", check->frames},
                            {"samples", check->samples},
                            {"largest_sample", check->largest_sample},
                            {"largest_difference", check->largest_difference}};
  }
  return object;
}

void print_list(const char* title, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::fputs(fmt::format("  {:<9} {}\n", i == 0 ? title : "", lines[i]).c_str(), stderr);
  }
}

void print_report(const ImportOptions& options,
                  const ImportedVoice& voice,
                  const std::optional<SelfCheck>& check) {
  const ImportReport& report = voice.report;
  std::fputs(
      fmt::format(
          "{}: {}\n  {:<9} {} ({}, {} Hz), in {}\n  {:<9} {} tensors, {} parameters{}\n",
          options.input, report.format, "voice", voice.description["name"].get<std::string>(),
          voice.description["architecture"].get<std::string>(),
          voice.description["sample_rate"].get<int>(), options.output, "used", report.tensors_used,
          report.parameters,
          report.folded.empty() ? std::string()
                                : fmt::format("; weight norm folded in {}", report.folded.size()))
          .c_str(),
      stderr);
  print_list("unused", report.unused);
  print_list("assumed", report.assumed);
  print_list("unknown", report.unknown);
  std::fputs(fmt::format("  {:<9} {}\n", "checked", check_text(check)).c_str(), stderr);
}

// The voice is found by its extension (apps/voices.h); devices and pipes have none.
void require_voice_name(const std::string& output) {
  if (!is_standard_output(output) && !is_special_output(output) &&
      fs::path(output).extension() != kVoiceExtension) {
    throw Error(ErrorCode::usage,
                "-o " + output + ": expected a name that ends in " + kVoiceExtension + ", found " +
                    (fs::path(output).has_extension() ? fs::path(output).extension().string()
                                                      : std::string("none")));
  }
}

int run_import(const ImportOptions& options) {
  require_voice_name(options.output);
  refuse_own_input(options.input, options.output);
  refuse_existing(options.output, options.force);
  refuse_mixed_output(options.output, options.json);
  const MappedFile file(options.input);
  ImportRequest request;
  request.bytes = file.bytes();
  request.path = options.input;
  request.config_path = find_config(options);
  request.config_text = read_config(request.config_path);
  request.name = options.name;
  request.licence = options.licence;
  if (!options.config.empty() && describes_itself(file.bytes(), options.input)) {
    throw Error(ErrorCode::usage, "--config: " + options.input +
                                      " is a voice of Ondes, which brings its configuration");
  }
  ImportedVoice voice = import_voice(request);
  if (!options.speaker_names.empty()) {
    name_speakers(options.speaker_names, options.input, &voice);
  }
  std::optional<Calibration> calibration;
  if (!options.calibrate.empty()) {
    calibration = add_calibration(options, &voice);
  }
  const std::vector<std::byte> bytes = write_voice(voice.description, voice.tensors);
  const std::optional<SelfCheck> check = check_voice(parse_voice(bytes, options.input));
  static_cast<void>(make_voice(parse_voice(bytes, options.input), options.input));  // as it loads
  write_file_atomically(options.output == "-" ? "/dev/stdout" : options.output, bytes);
  if (options.json) {
    nlohmann::json report = report_json(options, voice, check);
    if (calibration) {
      report["calibration"] = calibration_json(*calibration);
    }
    print_json(report);
  } else {
    print_report(options, voice, check);
    if (calibration) {
      std::fputs(calibration_text(*calibration).c_str(), stderr);
    }
  }
  return kExitDone;
}

}  // namespace

void add_import_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand(
      "import",
      "Turn another project's weights into a voice: HiFi-GAN, iSTFTNet and BigVGAN\n"
      "generators, WaveNet vocoders (PyTorch checkpoint or safetensors), .nam captures; or\n"
      "calibrate a voice of Ondes for 8 bits");
  auto options = std::make_shared<ImportOptions>();
  sub->add_option(
         "file", options->input,
         "The checkpoint (.pt, .pth, .safetensors) or capture (.nam); nothing in it is run")
      ->required();
  sub->add_option("--config", options->config,
                  "The config.json it was trained with (default: the one beside the file)");
  sub->add_option("-o,--output", options->output, "The voice file to write (.safetensors)")
      ->required();
  sub->add_option("--licence", options->licence, "The licence of the weights, kept in the voice");
  sub->add_option("--name", options->name, "The voice's name (default: the file's)");
  sub->add_option("--calibrate", options->calibrate,
                  "Mels (or sounds) of its kind: measure the ranges that `render --precision i8`\n"
                  "needs, for generators that take mels")
      ->type_name("MEL...");
  sub->add_option("--speaker-names", options->speaker_names,
                  "Names of its speakers, in the order of its embedding: A,B,C");
  sub->add_option("--threads", options->threads, "Threads to calibrate with; 0: one a processor")
      ->check(CLI::Range(0, 256));
  sub->add_flag("--force", options->force, "Replace the output if it exists");
  sub->add_flag("--json", options->json, "The report as JSON on standard output");
  sub->callback([options, &action] { action = [options] { return run_import(*options); }; });
}

}  // namespace ondes
