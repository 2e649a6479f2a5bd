// Renders one score with one voice into one file: rehearse, run, mix, level, write.
//
// With --lufs, and with --clip rescale into an integer format, this takes two passes over a
// nameless float file beside the output; else samples go straight to the writer, in constant memory
// either way. The output has its name only when it is complete.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/progress.h"
#include "apps/recipe.h"
#include "apps/render_output.h"
#include "apps/score_file.h"
#include "apps/voices.h"

namespace ondes {

struct DeviceChoice {
  bool cuda = false;
  std::string why;  // "cpu: no CUDA device (...)"
};

// Throws Error{no_device} if cuda is asked for and is not there.
DeviceChoice choose_device(const std::string& name);

// Before a command's work begins: that error comes first, and a line on stderr, opened by `command`,
// says what `auto` chose and why, where it was named or chose a GPU.
DeviceChoice announce_device(const std::string& command, const std::string& name, bool named);

std::unique_ptr<LaneRunner> make_runner(const DeviceChoice& device,
                                        const LanePlan& plan,
                                        const LaneRunnerOptions& options);

struct RenderRequest {
  const Voice& voice;
  const Score& score;
  RenderOptions options;
  std::string voice_as_given;  // for the recipe
  std::string output;          // a path, or "-" for standard output
  bool replace = false;        // an existing file may be replaced
  ProgressMode progress = ProgressMode::automatic;
};

// Throws Error; then the output is as it was before.
RenderSummary render(const RenderRequest& request);

}  // namespace ondes
