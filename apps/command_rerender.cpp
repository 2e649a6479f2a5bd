#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/command_render.h"
#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/output_path.h"
#include "apps/print.h"
#include "dsp/audio_file.h"
#include "engine/buffer.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "engine/files/sha256.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

struct RerenderCommand {
  std::string input;
  std::string output;
  std::string score;
  std::string voice;
  std::string progress = "auto";
  bool force = false;
  bool json = false;
  RenderOptions device;  // --device and --threads only
};

// out.wav -> out.again.wav
std::string default_output(const std::string& input) {
  const fs::path path(input);
  return (path.parent_path() / (path.stem().string() + ".again" + path.extension().string()))
      .string();
}

// The score, mel or sound where the recipe says, else beside the rendered file.
std::string find_input(const RerenderCommand& command, const Recipe& recipe) {
  if (!command.score.empty()) {
    return command.score;
  }
  const std::string kind = file_kind_text(recipe.input);
  if (recipe.score_path == "-") {
    throw Error(ErrorCode::usage, command.input + ": its " + kind +
                                      " came from standard input; give it with --input");
  }
  std::error_code ignored;
  if (fs::exists(recipe.score_path, ignored)) {
    return recipe.score_path;
  }
  const fs::path beside = fs::path(command.input).parent_path() / recipe.score_path;
  const fs::path same_folder =
      fs::path(command.input).parent_path() / fs::path(recipe.score_path).filename();
  for (const fs::path& path : {beside, same_folder}) {
    if (fs::exists(path, ignored)) {
      return path.string();
    }
  }
  throw Error(ErrorCode::io, recipe.score_path + ": the " + kind + " of " + command.input +
                                 " is not there; give it with --input");
}

void require_same(const std::string& file,
                  const std::string& what,
                  const std::string& expected,
                  const std::string& found) {
  if (expected != found) {
    throw Error(ErrorCode::bad_input, file + ": another " + what +
                                          " than the recipe's: expected sha256 " + expected +
                                          ", found " + found);
  }
}

void warn_of_differences(const Recipe& recipe) {
  if (recipe.version != ONDES_VERSION) {
    std::fputs(fmt::format("ondes: the recipe is of version {}, this is {}: the bytes may differ\n",
                           recipe.version, ONDES_VERSION)
                   .c_str(),
               stderr);
  }
  if (!recipe.isa.empty() && recipe.isa != isa_name(chosen_isa())) {
    std::fputs(fmt::format("ondes: f32 was rendered on {}, this is {}: the bytes may differ\n",
                           recipe.isa, isa_name(chosen_isa()))
                   .c_str(),
               stderr);
  }
}

// With the names of the recipe, so that the new file tells the same story, byte for byte.
RenderSummary repeat(const RerenderCommand& command,
                     const Recipe& recipe,
                     const Voice& voice,
                     const std::string& input,
                     const std::string& output) {
  const ProgressMode progress = progress_mode(command.progress);
  if (recipe.input == FileKind::score) {
    Score score = load_score(input);
    require_same(input, "score", recipe.score_sha256, score.sha256);
    score.name = recipe.score_path;
    return render(
        {voice, score, recipe.options, recipe.voice_path, output, command.force, progress});
  }
  require_same(input, file_kind_text(recipe.input), recipe.score_sha256, sha256_of_file(input));
  return render_features({voice, input, recipe.score_path, recipe.options, recipe.voice_path,
                          output, command.force, progress});
}

// What the new file is to the original. Bytes that differ can carry the same samples: what was
// rendered into a pipe says "unknown" where a file says its length, and the container may be
// another.
enum class Likeness { not_compared, same_bytes, same_samples, different };

bool same_samples(const std::string& left, const std::string& right) {
  constexpr int kBlockFrames = 4096;
  AudioFileReader a(left);
  AudioFileReader b(right);
  const int channels = a.info().channels;
  if (channels != b.info().channels || a.info().sample_rate_hz != b.info().sample_rate_hz) {
    return false;
  }
  Buffer block_a(kBlockFrames, channels);
  Buffer block_b(kBlockFrames, channels);
  for (int got = kBlockFrames; got == kBlockFrames;) {
    got = a.read(block_a.view());
    if (b.read(block_b.view()) != got ||
        !std::equal(block_a.view().data(),
                    block_a.view().data() + static_cast<std::ptrdiff_t>(got) * channels,
                    block_b.view().data())) {
      return false;
    }
  }
  return true;
}

Likeness compare(const std::string& original, const RenderSummary& summary) {
  if (summary.sha256.empty()) {  // into a pipe: there is nothing to compare
    return Likeness::not_compared;
  }
  if (summary.sha256 == sha256_of_file(original)) {
    return Likeness::same_bytes;
  }
  return same_samples(original, summary.output) ? Likeness::same_samples : Likeness::different;
}

const char* likeness_text(Likeness likeness) {
  switch (likeness) {
    case Likeness::not_compared:
      return "";
    case Likeness::same_bytes:
      return "  identical to the original, byte for byte\n";
    case Likeness::same_samples:
      return "  identical to the original, sample for sample; the files' headers differ\n";
    case Likeness::different:
      break;
  }
  return "  not identical to the original\n";
}

int run_rerender(const RerenderCommand& command) {
  refuse_mixed_output(command.output, command.json);
  progress_mode(command.progress);  // judged before the work of loading
  std::string text;
  {
    const AudioFileReader reader(command.input);
    text = reader.info().text;
  }
  if (!looks_like_recipe(text)) {
    throw Error(ErrorCode::bad_input,
                command.input +
                    ": expected a recipe in its comment, found none: was it rendered "
                    "by ondes?");
  }
  Recipe recipe = recipe_from_text(text, command.input);
  warn_of_differences(recipe);
  const fs::path voice_path =
      locate_voice(command.voice.empty() ? recipe.voice_path : command.voice);
  require_same(voice_path.string(), "voice", recipe.voice_sha256,
               sha256_of_file(voice_path.string()));
  const Voice voice = load_voice(voice_path);
  const std::string input = find_input(command, recipe);
  recipe.options.device = command.device.device;
  recipe.options.threads = command.device.threads;
  const std::string output =
      command.output.empty() ? default_output(command.input) : command.output;
  refuse_own_input(command.input, output);
  const RenderSummary summary = repeat(command, recipe, voice, input, output);
  print_summary(summary);
  const Likeness likeness = compare(command.input, summary);
  std::fputs(likeness_text(likeness), stderr);
  if (command.json) {
    nlohmann::json object = summary_to_json(summary);
    const bool compared = likeness != Likeness::not_compared;
    object["identical"] =
        compared ? nlohmann::json(likeness == Likeness::same_bytes) : nlohmann::json();
    object["same_samples"] =
        compared ? nlohmann::json(likeness != Likeness::different) : nlohmann::json();
    print_json(object);
  }
  return likeness == Likeness::different ? kExitThreshold : kExitDone;
}

}  // namespace

void add_rerender_command(CLI::App& app, Action& action) {
  CLI::App* sub =
      app.add_subcommand("rerender",
                         "Repeat a render from the recipe that its file carries; exits with 6\n"
                         "if the samples are not the same");
  auto command = std::make_shared<RerenderCommand>();
  sub->add_option("input", command->input, "A file that `ondes render` made")->required();
  sub->add_option("-o,--output", command->output, "Default: NAME.again.wav beside it");
  sub->add_option("--input,--score", command->score,
                  "The score, mel or sound, where it is not where it was");
  sub->add_option("--voice", command->voice, "The voice, where it is not where it was");
  add_device_options(*sub, command->device);
  sub->add_flag("--force", command->force, "Replace an existing file");
  sub->add_flag("--json", command->json, "Summary as JSON on standard output");
  sub->add_option("--progress", command->progress, "auto, json or none, on standard error")
      ->check(CLI::IsMember({"auto", "json", "none"}))
      ->capture_default_str();
  sub->callback([command, &action] { action = [command] { return run_rerender(*command); }; });
}

}  // namespace ondes
