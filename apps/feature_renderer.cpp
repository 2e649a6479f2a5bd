#include "apps/feature_renderer.h"

#include <algorithm>
#include <cmath>

#include "apps/broken_voice.h"
#include "apps/feature_machine.h"
#include "apps/feature_source.h"
#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "apps/precision_names.h"
#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/files/sha256.h"
#include "engine/plan/block_runner.h"

namespace ondes {
namespace {

// What only a score has.
void refuse_score_options(const RenderOptions& options) {
  const auto refuse = [](bool given, const char* option) {
    if (given) {
      throw Error(ErrorCode::usage, std::string(option) + ": for scores only");
    }
  };
  refuse(!options.programs.empty(), "--program");
  refuse(options.tail_s.has_value(), "--tail");
}

// The samples of one call, with the gain of --gain-db, into the sink.
class Output {
 public:
  Output(MixSink& sink, const FeatureRequest& request, const BlockRunner& runner)
      : sink_(sink),
        request_(request),
        runner_(runner),
        buffer_(runner.max_output_frames(), 1),
        gain_(static_cast<float>(std::pow(10.0, request.options.gain_db / 20.0))) {}

  Frames room() { return buffer_.view(); }
  void add(int frames) {
    const Frames block = buffer_.view().subview(0, frames);
    const VoiceFile& voice = request_.voice.file;
    require_finite(block, static_cast<double>(samples_), voice.sample_rate_hz, request_.input,
                   voice.name, runner_);
    for (int t = 0; t < frames; ++t) {
      block[t][0] *= gain_;
    }
    sink_.add(block);
    samples_ += frames;
  }
  std::int64_t samples() const { return samples_; }

 private:
  MixSink& sink_;
  const FeatureRequest& request_;
  const BlockRunner& runner_;
  Buffer buffer_;
  float gain_;
  std::int64_t samples_ = 0;
};

// Everything through the runner. Returns the frames that were read.
std::int64_t synthesise(
    FeatureSource& source, int channels, BlockRunner& runner, Output& output, Progress& progress) {
  Buffer features(runner.max_block_frames(), channels);
  std::int64_t frames = 0;
  runner.start(0);
  while (true) {
    check_interrupted();
    const int got = source.read(features.view());
    if (got == 0) {
      break;
    }
    frames += got;
    const ConstFrames block = features.view().subview(0, got);
    output.add(runner.process(0, {&block, 1}, output.room()));
    progress.update(output.samples());
  }
  while (true) {
    const int made = runner.finish(0, output.room());
    if (made == 0) {
      break;
    }
    output.add(made);
    progress.update(output.samples());
  }
  return frames;
}

Recipe make_recipe(const FeatureRequest& request,
                   FileKind kind,
                   const FeatureSource& source,
                   const FeatureMachine& machine) {
  Recipe recipe;
  recipe.version = ONDES_VERSION;
  recipe.voice_path = request.voice_as_given;
  recipe.voice_name = request.voice.file.name;
  recipe.voice_sha256 = request.voice.file.sha256;
  recipe.input = kind;
  recipe.score_path = request.input_as_given;
  recipe.score_sha256 = sha256_of_file(request.input);
  recipe.options = request.options;
  recipe.samples = machine.samples;
  recipe.conversions = source.conversions();
  if (depends_on_machine(request.options.precision)) {
    recipe.isa = machine.isa;
  }
  return recipe;
}

}  // namespace

RenderSummary render_features(const FeatureRequest& request) {
  refuse_score_options(request.options);
  refuse_existing(request.output, request.replace);
  const Voice& voice = request.voice;
  const int rate_hz = voice.file.sample_rate_hz;
  const FileKind kind = file_kind_of(request.input);
  const auto source = open_features(voice, request.input, kind);
  const FeatureMachine machine = make_feature_machine(request, source->frames());
  BlockRunner& runner = *machine.runner;

  MixSinkOptions sink_options = mix_sink_options(request.options, request.output, rate_hz,
                                                 make_recipe(request, kind, *source, machine));
  sink_options.channels = 1;
  MixSink sink(request.output, scratch_folder(request.output), sink_options);

  RenderSummary summary;
  summary.input = kind;
  summary.conversions = source->conversions();
  summary.remarks = source->remarks();
  Output output(sink, request, runner);
  {
    Progress progress(request.progress, request.output == "-" ? "render" : request.output,
                      machine.samples, rate_hz);
    summary.input_frames = synthesise(*source, machine.channels, runner, output, progress);
    summary.elapsed_s = progress.elapsed_s();
  }
  if (output.samples() == 0) {
    throw Error(ErrorCode::bad_input,
                request.input + ": expected at least one frame, found fewer samples than that");
  }
  finish_output(sink, sink_options, request.output, request.replace, &summary);
  summary.duration_s = static_cast<double>(output.samples()) / rate_hz;
  summary.device = machine.device;
  summary.device_choice = machine.device_choice;
  summary.tell_device_choice = machine.on_gpu || request.options.device_named;
  return summary;
}

}  // namespace ondes
