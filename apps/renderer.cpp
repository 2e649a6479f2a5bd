#include "apps/renderer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

#include "apps/broken_voice.h"
#include "apps/interrupt.h"
#include "apps/mix_sink.h"
#include "apps/output_path.h"
#include "apps/precision_names.h"
#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "engine/files/sha256.h"
#include "engine/lanes/rehearsal.h"
#include "engine/lanes/sequencer.h"
#include "engine/score/general_midi.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr int kBlockSamples = 256;
constexpr double kCutFadeS = 0.005;

SynthOptions synth_options(const RenderRequest& request) {
  SynthOptions options;
  options.seed = request.options.seed;
  options.temperature =
      static_cast<float>(request.options.temperature.value_or(request.voice.file.temperature));
  options.gain = static_cast<float>(std::pow(10.0, request.options.gain_db / 20.0));
  options.instrument_of_program = map_programs(request.voice.contract, request.options.programs);
  return options;
}

std::vector<std::string> substitutions(const RenderRequest& request, const SynthStats& stats) {
  std::vector<std::string> result;
  for (int program = 0; program < kPrograms; ++program) {
    if (stats.notes_of_program[static_cast<std::size_t>(program)] == 0 ||
        request.options.programs.contains(program)) {
      continue;
    }
    const InstrumentChoice choice = choose_instrument(program, request.voice.contract.programs);
    if (choice.substituted()) {
      result.push_back(describe(choice));
    }
  }
  return result;
}

Recipe make_recipe(const RenderRequest& request, const DeviceChoice& device, std::int64_t samples) {
  Recipe recipe;
  recipe.version = ONDES_VERSION;
  recipe.voice_path = request.voice_as_given;
  recipe.voice_name = request.voice.file.name;
  recipe.voice_sha256 = request.voice.file.sha256;
  recipe.score_path = request.score.name;
  recipe.score_sha256 = request.score.sha256;
  recipe.options = request.options;
  recipe.samples = samples;
  if (depends_on_machine(request.options.precision)) {
    recipe.isa = device.cuda ? "cuda" : isa_name(chosen_isa());
  }
  return recipe;
}

// A tail of given length may cut a sounding note: its last 5 ms fade.
void fade_cut(Frames block, std::int64_t position, std::int64_t total, int rate_hz) {
  const auto fade = static_cast<std::int64_t>(kCutFadeS * rate_hz);
  for (int t = 0; t < block.frames(); ++t) {
    const std::int64_t left = total - 1 - (position + t);
    if (left < fade) {
      const float gain = static_cast<float>(left) / static_cast<float>(fade);
      block[t][0] *= gain;
      block[t][1] *= gain;
    }
  }
}

// The mix, block by block, into the sink.
double synthesise(const RenderRequest& request,
                  LaneRunner& runner,
                  const SynthOptions& options,
                  std::int64_t total,
                  MixSink& sink,
                  SynthStats* stats) {
  const int rate_hz = request.voice.contract.sample_rate_hz;
  Synth synth(note_plan(request.voice.plan), request.voice.contract, runner, options);
  Sequencer sequencer(request.score.performance, rate_hz);
  Buffer mix(kBlockSamples, 2);
  Progress progress(request.progress, request.output == "-" ? "render" : request.output, total,
                    rate_hz);
  while (synth.position_samples() < total) {
    check_interrupted();
    const std::int64_t position = synth.position_samples();
    const int samples = static_cast<int>(std::min<std::int64_t>(kBlockSamples, total - position));
    const Frames block = mix.view().subview(0, samples);
    synth.process(sequencer.next(samples), block);
    require_finite(block, static_cast<double>(position), rate_hz, request.score.name,
                   request.voice.file.name, runner);
    if (request.options.tail_s) {
      fade_cut(block, position, total, rate_hz);
    }
    sink.add(block);
    progress.update(synth.position_samples());
  }
  *stats = synth.stats();
  return progress.elapsed_s();
}

}  // namespace

DeviceChoice choose_device(const std::string& name) {
  if (name == "cpu") {
    return {false, "asked for"};
  }
  if (name == "cuda") {
    if (!cuda_available()) {
      throw Error(ErrorCode::no_device, "--device cuda: " + cuda_description());
    }
    return {true, "asked for"};
  }
  // No GPU has run the kernels yet (cuda/README.md): until cuda/check_on_gpu has passed on one, they
  // are taken only where they are asked for.
  if (cuda_available()) {
    return {false, "no GPU has run its kernels' checks yet; --device cuda takes them"};
  }
  return {false, cuda_description()};
}

DeviceChoice announce_device(const std::string& command, const std::string& name, bool named) {
  const DeviceChoice choice = choose_device(name);
  if (name == "auto" && (named || choice.cuda)) {
    std::fputs((command + ": computed on the " + (choice.cuda ? "GPU" : "CPU") +
                " (auto: " + choice.why + ")\n")
                   .c_str(),
               stderr);
  }
  return choice;
}

std::unique_ptr<LaneRunner> make_runner(const DeviceChoice& device,
                                        const LanePlan& plan,
                                        const LaneRunnerOptions& options) {
  LaneRunnerOptions chosen = options;
  if (chosen.threads == 0) {
    chosen.threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
  }
  if (!device.cuda) {
    return make_cpu_lane_runner(plan, chosen);
  }
  const auto* step = std::get_if<StepPlan>(&plan);
  if (step == nullptr) {
    throw Error(
        ErrorCode::no_device,
        "--device cuda: there are no kernels for voices of harmonics and noise; they run on "
        "the CPU");
  }
  return make_cuda_step_runner(*step, chosen);
}

RenderSummary render(const RenderRequest& request) {
  const RenderOptions& options = request.options;
  const int rate_hz = request.voice.contract.sample_rate_hz;
  if (options.speaker) {
    static_cast<void>(speaker_index(request.voice, *options.speaker));  // it has none: says so
  }
  refuse_existing(request.output, request.replace);
  const DeviceChoice device = choose_device(options.device);
  const SynthOptions synth = synth_options(request);
  std::optional<std::int64_t> tail;
  if (options.tail_s) {
    tail = std::llround(*options.tail_s * rate_hz);
  }
  const Rehearsal plan =
      rehearse(request.score.performance, note_plan(request.voice.plan), request.voice.contract,
               synth, options.max_lanes, tail, [] { return !interrupted(); });

  LaneRunnerOptions runner_options;
  runner_options.precision = options.precision;
  runner_options.threads = options.threads;
  runner_options.max_block_samples = kBlockSamples;
  runner_options.max_lanes = std::max(plan.stats.lanes_max, 1);
  const std::unique_ptr<LaneRunner> runner =
      make_runner(device, request.voice.plan, runner_options);

  const MixSinkOptions sink_options = mix_sink_options(options, request.output, rate_hz,
                                                       make_recipe(request, device, plan.samples));
  MixSink sink(request.output, scratch_folder(request.output), sink_options);

  RenderSummary summary;
  summary.elapsed_s = synthesise(request, *runner, synth, plan.samples, sink, &summary.stats);
  finish_output(sink, sink_options, request.output, request.replace, &summary);
  summary.duration_s = static_cast<double>(plan.samples) / rate_hz;
  summary.percussion_notes = request.score.performance.percussion_notes;
  summary.hanging_notes = request.score.performance.hanging_notes;
  summary.substitutions = substitutions(request, summary.stats);
  summary.device = runner->description();
  summary.device_choice = options.device + ": " + device.why;
  summary.tell_device_choice = device.cuda || options.device_named;
  return summary;
}

}  // namespace ondes
