#include "apps/play/live_plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "apps/broken_voice.h"
#include "engine/buffer.h"
#include "engine/stream/load_meter.h"

namespace ondes {
namespace {

constexpr double kTrialS = 0.15;
constexpr double kMostTrialS = 0.5;
constexpr int kLowestKey = 36;
constexpr int kKeysOfAKeyboard = 60;

}  // namespace

LivePlan plan_latency(int device_frames, int sample_rate_hz, double latency_ms, int block_frames) {
  LivePlan plan;
  plan.block_frames = block_frames > 0 ? block_frames : std::clamp(device_frames / 4, 16, 256);
  plan.ahead_frames = device_frames + 2 * plan.block_frames;
  plan.latency_frames = device_frames + plan.ahead_frames + plan.block_frames;
  const int wanted = static_cast<int>(std::lround(latency_ms * 1.0e-3 * sample_rate_hz));
  if (wanted > plan.latency_frames) {
    plan.ahead_frames += wanted - plan.latency_frames;
    plan.latency_frames = wanted;
  }
  return plan;
}

FollowedPlan::FollowedPlan(int device_frames,
                           int most_device_frames,
                           int sample_rate_hz,
                           double latency_ms)
    : most_device_frames_(std::max(most_device_frames, device_frames)),
      sample_rate_hz_(sample_rate_hz),
      latency_ms_(latency_ms),
      plan_(plan_latency(device_frames, sample_rate_hz, latency_ms)),
      latency_frames_(std::make_shared<std::atomic<int>>(plan_.latency_frames)) {}

LivePlan FollowedPlan::plan_for(int device_frames) const noexcept {
  return plan_latency(std::min(device_frames, most_device_frames_), sample_rate_hz_, latency_ms_,
                      plan_.block_frames);
}

void FollowedPlan::apply(Stream& stream, int rendered_frames) noexcept {
  const bool taken = rendered_frames <= plan_.ahead_frames + plan_.block_frames;
  if (plan_.latency_frames > latency_frames_->load() || taken) {
    latency_frames_->store(plan_.latency_frames);
  }
  stream.set_ahead(plan_.ahead_frames);
}

LiveTrial try_voice(SynthVoice voice, const SynthOptions& options, int block_samples) {
  using Clock = std::chrono::steady_clock;
  const int lanes = voice.runner->max_lanes();
  Synth synth(*voice.plan, *voice.contract, *voice.runner, options);
  std::vector<SynthEvent> chord(static_cast<std::size_t>(lanes));
  for (int i = 0; i < lanes; ++i) {
    SynthEvent& note = chord[static_cast<std::size_t>(i)];
    note.channel = i / kKeysOfAKeyboard % kChannels;
    note.key = kLowestKey + i % kKeysOfAKeyboard;
    note.value = 0.8F;
  }
  Buffer block(block_samples, 2);
  const auto check = [&](double made_s) {
    if (finite_frames(block.view()) < block_samples) {
      throw broken_voice_error(voice.name, made_s, voice.runner->failure());
    }
  };
  synth.process(chord, block.view());  // unmeasured: memory is touched for the first time
  check(0.0);
  double busy_s = 0.0;
  double made_s = 0.0;
  while (made_s < kTrialS && busy_s < kMostTrialS) {
    const Clock::time_point begin = Clock::now();
    synth.process({}, block.view());
    busy_s += std::chrono::duration<double>(Clock::now() - begin).count();
    check(made_s);
    made_s += static_cast<double>(block_samples) / voice.contract->sample_rate_hz;
  }
  LiveTrial trial;
  trial.load = busy_s / made_s;
  trial.fitting_lanes = std::clamp(
      static_cast<int>(lanes * LoadMeter::kComfortable / std::max(trial.load, 1.0e-6)), 1, lanes);
  return trial;
}

}  // namespace ondes
