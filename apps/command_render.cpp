#include "apps/command_render.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/input_file.h"
#include "apps/output_path.h"
#include "apps/print.h"
#include "engine/error.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

struct RenderCommand {
  std::vector<std::string> inputs;
  std::string output;
  std::string voice;
  std::string progress = "auto";
  std::string container = "wav";
  bool force = false;
  bool json = false;
  RenderOptions options;
};

// The file of every input. With a folder as output they are named after their inputs.
std::vector<std::string> output_paths(const RenderCommand& command) {
  std::error_code ignored;
  const bool folder = fs::is_directory(command.output, ignored) || command.output.ends_with('/');
  if (!folder) {
    if (command.inputs.size() > 1) {
      throw Error(ErrorCode::usage,
                  "several inputs need a folder: -o " + command.output + " is not one");
    }
    return {command.output};
  }
  fs::create_directories(command.output, ignored);  // if not, writing says why
  std::vector<std::string> outputs;
  std::set<std::string> names;
  for (const std::string& input : command.inputs) {
    const std::string stem = input == "-" ? "stdin" : fs::path(input).stem().string();
    if (!names.insert(stem).second) {
      throw Error(ErrorCode::usage, "two inputs would both become " + stem + "." +
                                        command.container + " in " + command.output);
    }
    outputs.push_back((fs::path(command.output) / (stem + "." + command.container)).string());
  }
  return outputs;
}

std::string conversion_text(const Conversion& conversion, FileKind input) {
  if (conversion.field == "channels") {
    return conversion.from + " channels were summed to mono";
  }
  if (conversion.field == "sample_rate") {
    return fmt::format("resampled from {} to {} Hz, the voice's rate", conversion.from,
                       conversion.to);
  }
  return fmt::format("{} field '{}': converted from {} to {}, the voice's", file_kind_name(input),
                     conversion.field, conversion.from, conversion.to);
}

// How far a render of several inputs had come when the one at `failed` could not be made.
std::string what_stands(const std::vector<std::string>& outputs, std::size_t failed) {
  if (outputs.size() == 1) {
    return "";
  }
  std::string done;
  for (std::size_t i = 0; i < failed; ++i) {
    done += (i == 0 ? "" : ", ") + outputs[i];
  }
  return fmt::format(" ({} of {} inputs rendered{}; {} not begun)", failed, outputs.size(),
                     done.empty() ? "" : ": " + done, outputs.size() - failed - 1);
}

// What ran, and why that.
std::string device_text(const RenderSummary& summary) {
  return summary.device_choice.empty() ? summary.device
                                       : summary.device + " (" + summary.device_choice + ")";
}

// What standard input is takes the place of what the request says.
RenderSummary render_named(const std::string& given, FeatureRequest request) {
  const InputFile input(given);
  request.input = input.path();
  request.input_as_given = given;
  try {
    return render_input(request);
  } catch (const Error& error) {
    throw input.named(error);
  }
}

int run_render(const RenderCommand& command) {
  refuse_mixed_output(command.output, command.json);
  const std::vector<std::string> outputs = output_paths(command);
  const ProgressMode progress = progress_mode(command.progress);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    refuse_own_input(command.inputs[i], outputs[i]);
  }
  choose_device(command.options.device);  // before the work of loading
  const fs::path voice_path = locate_voice(command.voice);
  const Voice voice = load_voice(voice_path);
  nlohmann::json files = nlohmann::json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    try {
      const RenderSummary summary = render_named(
          command.inputs[i], {voice,
                              {},
                              {},
                              command.options,
                              command.voice.empty() ? voice_path.stem().string() : command.voice,
                              outputs[i],
                              command.force,
                              progress});
      print_summary(summary);
      files.push_back(summary_to_json(summary));
    } catch (const Error& error) {
      throw Error(error.code(), error.what() + what_stands(outputs, i));
    }
  }
  if (command.json) {
    print_json({{"outputs", files}});
  }
  return kExitDone;
}

}  // namespace

RenderSummary render_input(const FeatureRequest& request) {
  if (request.voice.kind != VoiceKind::notes) {
    return render_features(request);
  }
  const FileKind kind = file_kind_of(request.input);
  if (kind != FileKind::score) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: a {}, but the voice {} plays notes: give it a score (.mid), or "
                            "choose a voice that takes it",
                            request.input, file_kind_text(kind), request.voice.file.name));
  }
  Score score = load_score(request.input);
  score.name = request.input_as_given;
  return render({request.voice, score, request.options, request.voice_as_given, request.output,
                 request.replace, request.progress});
}

void print_summary(const RenderSummary& summary) {
  const std::string name = summary.output == "-" ? "standard output" : summary.output;
  const double speed = summary.elapsed_s > 0.0 ? summary.duration_s / summary.elapsed_s : 0.0;
  const std::string made_of =
      summary.input == FileKind::score
          ? fmt::format("{} notes, at most {} at once", summary.stats.notes,
                        summary.stats.lanes_max)
          : fmt::format("{} frames of {}", summary.input_frames, file_kind_text(summary.input));
  std::string text = fmt::format(
      "{}: {:.2f} s of {} at {} Hz in {:.2f} s, {:.2f} x real time; {}; peak {:.1f} dBFS\n", name,
      summary.duration_s, summary.channels == 1 ? "mono" : "stereo", summary.rate_hz,
      summary.elapsed_s, speed, made_of, 20.0 * std::log10(std::max(summary.peak, 1e-10)));
  // Why it is no GPU that was chosen, most people need not be told: --device auto, --json and `ondes
  // doctor` do.
  text += fmt::format("  ran on {}\n",
                      summary.tell_device_choice ? device_text(summary) : summary.device);
  for (const std::string& line : summary.substitutions) {
    text += fmt::format("  {}\n", line);
  }
  for (const Conversion& conversion : summary.conversions) {
    text += "  " + conversion_text(conversion, summary.input) + "\n";
  }
  for (const std::string& line : summary.remarks) {
    text += fmt::format("  {}\n", line);
  }
  const auto note = [&](bool condition, const std::string& line) {
    text += condition ? "  " + line + "\n" : "";
  };
  note(summary.percussion_notes > 0,
       fmt::format("{} percussion notes (channel 10) were left out: the voice has no drums",
                   summary.percussion_notes));
  note(summary.hanging_notes > 0,
       fmt::format("{} notes were never released in the score", summary.hanging_notes));
  note(summary.stats.stolen_notes > 0,
       fmt::format("{} notes were cut short for want of lanes (--max-lanes)",
                   summary.stats.stolen_notes));
  note(summary.lufs.has_value(), fmt::format("measured {:.2f} LUFS", summary.lufs.value_or(0.0)));
  note(summary.lufs_unmeasured,
       "loudness not measured, and so not changed: it takes 0.4 s of sound above -70 LUFS");
  note(summary.applied_gain_db != 0.0,
       fmt::format("gain {:+.2f} dB applied{}", summary.applied_gain_db,
                   summary.lufs_limited ? ", the peak allows no more" : ""));
  note(summary.clipped_samples > 0,
       fmt::format("{} samples passed full scale", summary.clipped_samples));
  std::fputs(text.c_str(), stderr);
}

nlohmann::json summary_to_json(const RenderSummary& summary) {
  nlohmann::json object = {
      {"output", summary.output},
      {"frames", summary.frames},
      {"rate", summary.rate_hz},
      {"duration_s", summary.duration_s},
      {"elapsed_s", summary.elapsed_s},
      {"times_real_time", summary.elapsed_s > 0.0 ? summary.duration_s / summary.elapsed_s : 0.0},
      {"input", file_kind_name(summary.input)},
      {"channels", summary.channels},
      {"clipped_samples", summary.clipped_samples},
      {"peak", summary.peak},
      {"applied_gain_db", summary.applied_gain_db},
      {"device", device_text(summary)}};
  if (summary.input == FileKind::score) {
    object["notes"] = summary.stats.notes;
    object["lanes_max"] = summary.stats.lanes_max;
    object["lane_samples"] = summary.stats.lane_samples;
    object["stolen_notes"] = summary.stats.stolen_notes;
    object["percussion_notes_left_out"] = summary.percussion_notes;
    object["hanging_notes"] = summary.hanging_notes;
    object["substitutions"] = summary.substitutions;
  } else {
    object["input_frames"] = summary.input_frames;
    object["conversions"] = conversions_to_json(summary.conversions);
    object["remarks"] = summary.remarks;
  }
  object["lufs_unmeasured"] = summary.lufs_unmeasured;
  object["lufs_limited"] = summary.lufs_limited;
  object["lufs"] = summary.lufs ? nlohmann::json(*summary.lufs) : nlohmann::json();
  object["sha256"] = summary.sha256.empty() ? nlohmann::json() : nlohmann::json(summary.sha256);
  return object;
}

void add_render_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand(
      "render", "Render scores (.mid), mels (.npy, .safetensors) or sounds into sound files");
  auto command = std::make_shared<RenderCommand>();
  sub->add_option("inputs", command->inputs,
                  "Scores, or mels and sounds for a voice that takes them; - is standard input")
      ->required();
  sub->add_option("-o,--output", command->output,
                  "File, folder (several inputs), or - for WAV on standard output")
      ->required();
  sub->add_option("--voice", command->voice, "Voice by name or file (see `ondes voices`)");
  add_render_options(*sub, command->options);
  sub->add_option("--container", command->container, "What files in a folder become: wav or flac")
      ->check(CLI::IsMember({"wav", "flac"}))
      ->capture_default_str();
  sub->add_flag("--force", command->force, "Replace an existing file");
  sub->add_flag("--json", command->json, "Summary as JSON on standard output");
  sub->add_option("--progress", command->progress, "auto, json or none, on standard error")
      ->check(CLI::IsMember({"auto", "json", "none"}))
      ->capture_default_str();
  sub->callback([command, &action] { action = [command] { return run_render(*command); }; });
}

}  // namespace ondes
