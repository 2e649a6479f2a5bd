#include "apps/render_output.h"

#include <filesystem>

#include "apps/output_path.h"
#include "engine/files/sha256.h"

namespace ondes {
namespace fs = std::filesystem;

MixSinkOptions mix_sink_options(const RenderOptions& options,
                                const std::string& output,
                                int mix_rate_hz,
                                const Recipe& recipe) {
  MixSinkOptions sink;
  sink.mix_rate_hz = mix_rate_hz;
  sink.file_rate_hz = options.rate_hz == 0 ? mix_rate_hz : options.rate_hz;
  if (is_special_output(output) && fs::path(output).extension() != ".flac") {
    sink.container = AudioContainer::wav;
  }
  sink.format = options.format;
  sink.dither = options.dither;
  sink.dither_seed = options.seed;
  sink.rescale = options.clip == ClipChoice::rescale;
  sink.clip = options.clip == ClipChoice::error ? ClipPolicy::error : ClipPolicy::clamp;
  sink.lufs = options.lufs;
  sink.text = recipe_to_text(recipe);
  return sink;
}

void finish_output(MixSink& sink,
                   const MixSinkOptions& options,
                   const std::string& output,
                   bool replace,
                   RenderSummary* summary) {
  refuse_existing(output, replace);  // it may have come meanwhile
  const MixSinkReport report = sink.finish();
  summary->output = output;
  summary->channels = options.channels;
  summary->frames = report.file.frames;
  summary->clipped_samples = report.file.clipped_samples;
  summary->peak = report.file.peak;
  summary->applied_gain_db = report.gain_db;
  summary->lufs = report.lufs;
  summary->lufs_limited = report.limited;
  summary->lufs_unmeasured = report.unmeasured;
  summary->rate_hz = options.file_rate_hz;
  std::error_code ignored;
  if (output != "-" && fs::is_regular_file(output, ignored)) {
    summary->sha256 = sha256_of_file(output);
  }
}

}  // namespace ondes
