#include "apps/play/play_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/feature_source.h"
#include "apps/input_file.h"
#include "apps/interrupt.h"
#include "apps/play/feature_stream.h"
#include "apps/renderer.h"
#include "engine/error.h"
#include "engine/lanes/rehearsal.h"
#include "engine/stream/rate_source.h"

namespace ondes {
namespace {

constexpr double kLongestSoundS = 2.0 * 3600.0;  // of a mel or a sound that is held in memory

void load_features(const std::string& path, const Voice& voice, PlayInput& input) {
  const auto source = open_features(voice, path, input.kind);
  const BlockPlan& plan = voice.blocks;
  input.feature_channels =
      voice.autoregressive ? voice.mel.mels
                           : plan.values[static_cast<std::size_t>(plan.inputs.front())].channels;
  input.feature_rate_hz = voice.file.sample_rate_hz / samples_per_frame(voice);
  for (const Conversion& conversion : source->conversions()) {
    input.remarks.push_back(fmt::format("{}: converted from {} to {}", conversion.field,
                                        conversion.from, conversion.to));
  }
  const std::vector<std::string> remarks = source->remarks();
  input.remarks.insert(input.remarks.end(), remarks.begin(), remarks.end());
  Buffer block(1024, input.feature_channels);
  const auto most = static_cast<std::size_t>(kLongestSoundS * input.feature_rate_hz) *
                    static_cast<std::size_t>(input.feature_channels);
  while (const int frames = source->read(block.view())) {
    check_interrupted();
    const float* first = block.view().data();
    input.features.insert(input.features.end(), first,
                          first + std::ptrdiff_t{frames} * input.feature_channels);
    if (input.features.size() > most) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: expected at most {} h to play, found more",
                                                    path, kLongestSoundS / 3600.0));
    }
  }
  if (input.features.empty()) {
    throw Error(ErrorCode::bad_input, path + ": expected at least one frame, found none");
  }
  const auto frames = static_cast<std::int64_t>(input.features.size()) / input.feature_channels;
  const std::int64_t samples =
      voice.autoregressive ? frames * voice.mel.hop_samples : output_frames(plan, frames);
  input.duration_s = static_cast<double>(samples) / voice.file.sample_rate_hz;
}

void load(const std::string& path,
          const Voice& voice,
          const RenderOptions& options,
          PlayInput& input) {
  input.kind = file_kind_of(path);
  if (voice.kind != VoiceKind::notes) {
    load_features(path, voice, input);
    return;
  }
  if (input.kind != FileKind::score) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: a {}, but the voice {} plays notes: give it a score (.mid)", path,
                            file_kind_text(input.kind), voice.file.name));
  }
  if (options.speaker) {
    static_cast<void>(speaker_index(voice, *options.speaker));  // it has none: says so
  }
  auto score = std::make_shared<Score>(load_score(path));
  const std::int64_t samples = sounding_samples(score->performance, note_plan(voice.plan),
                                                voice.contract, make_synth_options(voice, options),
                                                options.max_lanes, [] { return !interrupted(); });
  input.duration_s = static_cast<double>(samples) / voice.contract.sample_rate_hz;
  if (score->performance.percussion_notes > 0) {
    input.remarks.push_back(fmt::format("{} percussion notes (channel 10) are left out",
                                        score->performance.percussion_notes));
  }
  input.score = std::move(score);
}

}  // namespace

SynthOptions make_synth_options(const Voice& voice, const RenderOptions& options) {
  SynthOptions synth;
  synth.seed = options.seed;
  synth.temperature = static_cast<float>(options.temperature.value_or(voice.file.temperature));
  synth.gain = static_cast<float>(std::pow(10.0, options.gain_db / 20.0));
  synth.instrument_of_program = map_programs(voice.contract, options.programs);
  return synth;
}

std::shared_ptr<const PlayInput> load_play_input(const std::string& path,
                                                 const Voice& voice,
                                                 const RenderOptions& options) {
  const InputFile file(path);
  auto input = std::make_shared<PlayInput>();
  input->name = path;
  try {
    load(file.path(), voice, options, *input);
  } catch (const Error& error) {
    throw file.named(error);
  }
  return input;
}

SynthVoice make_synth_voice(const std::shared_ptr<const Voice>& voice,
                            const RenderOptions& options,
                            int max_lanes,
                            int block_frames) {
  LaneRunnerOptions runner;
  runner.precision = options.precision;
  runner.threads = options.threads;
  runner.max_lanes = max_lanes;
  runner.max_block_samples = block_frames;
  SynthVoice result;
  result.owner = voice;
  result.name = voice->file.name;
  result.plan = &note_plan(voice->plan);
  result.contract = &voice->contract;
  result.runner = make_runner(choose_device(options.device), voice->plan, runner);
  return result;
}

std::unique_ptr<StreamSource> at_rate(std::unique_ptr<StreamSource> source, int sample_rate_hz) {
  return source->sample_rate_hz() == sample_rate_hz
             ? std::move(source)
             : std::make_unique<RateSource>(std::move(source), sample_rate_hz);
}

std::unique_ptr<StreamSource> make_play_source(const std::shared_ptr<const Voice>& voice,
                                               const std::shared_ptr<const PlayInput>& input,
                                               const PlaySettings& settings) {
  std::unique_ptr<StreamSource> source;
  if (input->score == nullptr) {
    source = std::make_unique<FeatureStream>(voice, input, settings);
  } else {
    ScoreSourceOptions options;
    options.synth = make_synth_options(*voice, settings.render);
    options.position = settings.position;
    source = std::make_unique<ScoreSource>(
        make_synth_voice(voice, settings.render, settings.render.max_lanes, settings.block_frames),
        input->score->performance, options);
  }
  return at_rate(std::move(source), settings.sample_rate_hz);
}

}  // namespace ondes
