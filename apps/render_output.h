// The end that renders of scores, mels and sounds share: from the options to the mix sink, from its
// report to the summary.
//
// Set-up thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/file_kind.h"
#include "apps/mix_sink.h"
#include "apps/recipe.h"
#include "apps/render_options.h"
#include "engine/lanes/synth.h"

namespace ondes {

struct RenderSummary {
  std::string output;
  FileKind input = FileKind::score;
  std::int64_t input_frames = 0;  // of a mel or sound, at the voice's rate
  int channels = 2;
  std::int64_t frames = 0;
  int rate_hz = 0;
  double duration_s = 0.0;
  double elapsed_s = 0.0;  // of the synthesis
  SynthStats stats;
  int percussion_notes = 0;
  int hanging_notes = 0;
  std::vector<std::string> substitutions;
  std::vector<Conversion> conversions;  // what was done to a mel or sound first
  std::vector<std::string> remarks;     // what else is to be said of it
  std::int64_t clipped_samples = 0;
  double peak = 0.0;                // of the file, 1 is full scale
  double applied_gain_db = 0.0;     // by --lufs and --clip rescale
  std::optional<double> lufs;       // of the mix before that gain, where it was measured
  bool lufs_unmeasured = false;     // --lufs without effect: too short or too quiet to be measured
  bool lufs_limited = false;        // rescaling kept the file below the loudness asked for
  std::string device;               // what ran
  std::string device_choice;        // "auto: why"; empty where there was nothing to choose
  bool tell_device_choice = false;  // a GPU was chosen, or --device was given
  std::string sha256;               // of the file; empty for standard output
};

MixSinkOptions mix_sink_options(const RenderOptions& options,
                                const std::string& output,
                                int mix_rate_hz,
                                const Recipe& recipe);

// Finishes the file and fills in what is known of it. Throws Error; then there is no file.
void finish_output(MixSink& sink,
                   const MixSinkOptions& options,
                   const std::string& output,
                   bool replace,
                   RenderSummary* summary);

}  // namespace ondes
