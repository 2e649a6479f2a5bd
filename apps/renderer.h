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
#include "apps/score_file.h"
#include "apps/voices.h"

namespace ondes {

struct DeviceChoice {
  bool cuda = false;
  std::string why;  // "cpu: no CUDA device (...)"
};

// Throws Error{no_device} if cuda is asked for and is not there.
DeviceChoice choose_device(const std::string& name);

std::unique_ptr<StepRunner> make_runner(const DeviceChoice& device,
                                        const StepPlan& plan,
                                        const StepRunnerOptions& options);

struct RenderRequest {
  const Voice& voice;
  const Score& score;
  RenderOptions options;
  std::string voice_as_given;  // for the recipe
  std::string output;          // a path, or "-" for standard output
  bool replace = false;        // an existing file may be replaced
  ProgressMode progress = ProgressMode::automatic;
};

struct RenderSummary {
  std::string output;
  std::int64_t frames = 0;
  int rate_hz = 0;
  double duration_s = 0.0;
  double elapsed_s = 0.0;  // of the synthesis
  SynthStats stats;
  int percussion_notes = 0;
  int hanging_notes = 0;
  std::vector<std::string> substitutions;
  std::int64_t clipped_samples = 0;
  double peak = 0.0;             // of the file, 1 is full scale
  double applied_gain_db = 0.0;  // by --lufs and --clip rescale
  std::optional<double> lufs;    // of the mix before that gain, where it was measured
  bool lufs_unmeasured = false;  // --lufs without effect: too short or too quiet to be measured
  bool lufs_limited = false;     // rescaling kept the file below the loudness asked for
  std::string device;            // what ran, and why
  std::string sha256;            // of the file; empty for standard output
};

// Throws Error; then the output is as it was before.
RenderSummary render(const RenderRequest& request);

}  // namespace ondes
