#include "apps/feature_machine.h"

#include <algorithm>
#include <thread>

#include "apps/renderer.h"
#include "cuda/backend.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "engine/plan/step_vocoder.h"
#include "models/registry.h"

namespace ondes {
namespace {

// Samples that a block comes to, about: large enough that its costs vanish, small enough to answer
// an interrupt at once.
constexpr int kBlockSamples = 8192;
constexpr int kCudaBlockSamples = 65536;
constexpr int kStepBlockSamples = 1024;  // where they come one by one

// 8 bits of a generator need ranges that were calibrated, and that is done for mels only; halves need
// a GPU, and a GPU has no 8 bits of generators.
void refuse_precision(const FeatureRequest& request, bool cuda) {
  const Precision precision = request.options.precision;
  if (cuda || precision == Precision::f16) {
    if (!cuda) {
      refuse_on_cpu(precision);
    }
    if (precision != Precision::f32 && precision != Precision::f16) {
      throw Error(ErrorCode::usage, "--precision " + precision_name(precision) +
                                        ": generators and voices that process sound run on CUDA "
                                        "devices in f32 or f16; --device cpu takes i8");
    }
    return;
  }
  if (precision == Precision::f32 ||
      (precision == Precision::i8 && !request.voice.blocks.ranges.empty())) {
    return;
  }
  const std::string& path = request.voice.path;
  const std::string start = "--precision " + precision_name(precision) + ": the voice " + path;
  if (request.voice.kind != VoiceKind::mel) {
    throw Error(ErrorCode::usage, start + " processes sound, and such voices play in f32 only");
  }
  throw Error(ErrorCode::usage,
              precision != Precision::i8
                  ? start + " is a generator, and such voices play in f32 or i8"
                  : start + " is not calibrated for 8 bits; `ondes import " + path +
                        " -o NEW.safetensors --calibrate MEL.npy...` makes one that is");
}

int threads_of(const RenderOptions& options) {
  return options.threads != 0
             ? options.threads
             : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
}

// Frames of a call: on a GPU enough to occupy it, unless fewer are wanted.
int block_frames(const BlockRate& rate, bool cuda, int wanted_samples) {
  const int most = cuda ? kCudaBlockSamples : kBlockSamples;
  const int samples = wanted_samples > 0 ? std::min(wanted_samples, most) : most;
  return std::clamp(samples * rate.down / rate.up, 1, samples);
}

FeatureMachine block_machine(const FeatureRequest& request, std::int64_t frames) {
  const RenderOptions& options = request.options;
  const DeviceChoice device = choose_device(options.device);
  refuse_precision(request, device.cuda);
  if (options.temperature) {
    throw Error(ErrorCode::usage, "--temperature: the voice " + request.voice.path +
                                      " draws no samples, there is nothing to spread");
  }
  const BlockPlan plan =
      options.speaker
          ? compile_block_plan(request.voice.file, speaker_index(request.voice, *options.speaker))
          : request.voice.blocks;
  const BlockRate& rate = plan.values[static_cast<std::size_t>(plan.output)].rate;
  BlockRunnerOptions chosen;
  chosen.precision = options.precision;
  chosen.threads = threads_of(options);
  chosen.max_block_frames = block_frames(rate, device.cuda, request.call_samples);
  FeatureMachine machine;
  machine.runner =
      device.cuda ? make_cuda_block_runner(plan, chosen) : make_cpu_block_runner(plan, chosen);
  machine.channels = plan.values[static_cast<std::size_t>(plan.inputs.front())].channels;
  machine.samples = output_frames(plan, frames);
  machine.isa = device.cuda ? "cuda" : isa_name(chosen_isa());
  machine.device = machine.runner->description();
  machine.device_choice = options.device + ": " + device.why;
  machine.on_gpu = device.cuda;
  return machine;
}

// A sample a step, on one lane.
FeatureMachine step_machine(const FeatureRequest& request, std::int64_t frames) {
  const RenderOptions& options = request.options;
  const Voice& voice = request.voice;
  if (options.speaker) {
    static_cast<void>(speaker_index(voice, *options.speaker));  // it has none: says so
  }
  const DeviceChoice device = choose_device(options.device);
  LaneRunnerOptions lane;
  lane.precision = options.precision;
  lane.threads = options.threads;
  lane.max_lanes = 1;
  StepVocoderOptions vocoder;
  vocoder.row_features = note_plan(voice.plan).row_features;
  vocoder.hop_samples = voice.mel.hop_samples;
  vocoder.max_block_frames = std::max(kStepBlockSamples / voice.mel.hop_samples, 1);
  vocoder.seed = options.seed;
  vocoder.temperature = static_cast<float>(options.temperature.value_or(voice.file.temperature));
  std::unique_ptr<BlockRunner> upsampler;
  if (voice.upsampling) {
    BlockRunnerOptions chosen;
    chosen.max_block_frames = vocoder.max_block_frames;
    upsampler = make_cpu_block_runner(*voice.upsampling, chosen);
  }
  FeatureMachine machine;
  machine.runner =
      make_step_vocoder(make_runner(device, voice.plan, lane), std::move(upsampler), vocoder);
  machine.channels = voice.mel.mels;
  machine.samples = frames * voice.mel.hop_samples;
  machine.isa = device.cuda ? "cuda" : isa_name(chosen_isa());
  machine.device = machine.runner->description();
  machine.device_choice = options.device + ": " + device.why;
  machine.on_gpu = device.cuda;
  return machine;
}

}  // namespace

FeatureMachine make_feature_machine(const FeatureRequest& request, std::int64_t frames) {
  return request.voice.autoregressive ? step_machine(request, frames)
                                      : block_machine(request, frames);
}

}  // namespace ondes
