#include "apps/play/feature_stream.h"

#include <algorithm>
#include <cmath>

#include "apps/feature_machine.h"
#include "engine/error.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

constexpr double kHistoryS = 0.5;  // longer than the reach of the generators that there are

// How far before its first sample a voice must begin.
double history_s(const Voice& voice) {
  if (!voice.autoregressive) {
    return kHistoryS;
  }
  const auto* plan = std::get_if<StepPlan>(&voice.plan);
  std::int64_t samples = 0;
  for (const GatedLayer& layer : plan->layers) {
    samples += std::int64_t{plan->taps - 1} * layer.dilation_samples;
  }
  return static_cast<double>(samples) / voice.file.sample_rate_hz;
}

}  // namespace

FeatureStream::FeatureStream(std::shared_ptr<const Voice> voice,
                             std::shared_ptr<const PlayInput> input,
                             const PlaySettings& settings)
    : voice_(std::move(voice)),
      input_(std::move(input)),
      gain_(static_cast<float>(std::pow(10.0, settings.render.gain_db / 20.0))) {
  if (settings.position.tempo != 1.0) {
    throw Error(ErrorCode::usage, "--tempo: for scores only");
  }
  total_ = static_cast<std::int64_t>(input_->features.size()) / input_->feature_channels;
  FeatureRequest request{*voice_, input_->name, {}, settings.render, {}, {}};
  request.call_samples = settings.block_frames;  // memory for more takes its time to be made
  runner_ = make_feature_machine(request, total_).runner;
  runner_->start(0);
  block_frames_ = std::clamp(static_cast<int>(settings.block_frames / samples_per_frame(*voice_)),
                             1, runner_->max_block_frames());
  made_.allocate(runner_->max_output_frames(), 1);
  fill_history(static_cast<std::int64_t>(
      std::clamp(settings.position.start_s, 0.0, input_->duration_s) * sample_rate_hz()));
}

void FeatureStream::fill_history(std::int64_t start) noexcept {
  const FlushToZeroScope flush;
  const double first_s =
      std::max(static_cast<double>(start) / sample_rate_hz() - history_s(*voice_), 0.0);
  next_ = std::min(static_cast<std::int64_t>(first_s * input_->feature_rate_hz), total_);
  position_ = static_cast<std::int64_t>(static_cast<double>(next_) * samples_per_frame(*voice_));
  while (position_ < start) {
    if (taken_ == made_frames_) {
      if (!make_more()) {
        return;
      }
      continue;
    }
    const auto unheard = std::min<std::int64_t>(start - position_, made_frames_ - taken_);
    taken_ += static_cast<int>(unheard);
    position_ += unheard;
  }
}

// False at the end.
bool FeatureStream::make_more() noexcept {
  taken_ = 0;
  if (next_ == total_) {
    made_frames_ = runner_->finish(0, made_.view());
    return made_frames_ > 0;
  }
  const int count = static_cast<int>(std::min<std::int64_t>(block_frames_, total_ - next_));
  const ConstFrames block(input_->features.data() + next_ * input_->feature_channels, count,
                          input_->feature_channels);
  made_frames_ = runner_->process(0, {&block, 1}, made_.view());
  next_ += count;
  return true;
}

int FeatureStream::render(Frames out, std::int64_t /*stream_frame*/) noexcept {
  const FlushToZeroScope flush;
  int done = 0;
  while (done < out.frames() && faded_ < kRetireFadeSamples) {
    if (taken_ == made_frames_) {
      if (!make_more()) {
        break;
      }
      continue;
    }
    float sample = made_.view()[taken_++][0] * gain_;
    ++position_;
    if (retired_) {
      ++faded_;
      sample *= 1.0F - static_cast<float>(faded_) / kRetireFadeSamples;
    }
    out[done][0] = out[done][1] = sample;
    ++done;
  }
  return done;
}

SourceState FeatureStream::state() const noexcept {
  SourceState state;
  state.position_s = static_cast<double>(position_) / sample_rate_hz();
  return state;
}

}  // namespace ondes
