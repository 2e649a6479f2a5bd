#include "apps/play/feature_stream.h"

#include <algorithm>
#include <cmath>

#include "apps/renderer.h"
#include "engine/error.h"
#include "engine/flush_to_zero.h"
#include "models/registry.h"

namespace ondes {
namespace {

constexpr double kHistoryS = 0.5;  // longer than the reach of the generators that there are

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
  const double samples = samples_per_frame(*voice_);
  BlockRunnerOptions options;
  options.precision = settings.render.precision;
  options.threads = std::max(settings.render.threads, 1);
  block_frames_ = std::max(1, static_cast<int>(settings.block_frames / samples));
  options.max_block_frames = block_frames_;
  const auto& speaker = settings.render.speaker;
  runner_ = make_cpu_block_runner(
      speaker ? compile_block_plan(voice_->file, speaker_index(*voice_, *speaker)) : voice_->blocks,
      options);
  runner_->start(0);
  made_.allocate(runner_->max_output_frames(), 1);
  total_ = static_cast<std::int64_t>(input_->features.size()) / input_->feature_channels;
  const auto start = static_cast<std::int64_t>(
      std::clamp(settings.position.start_s, 0.0, input_->duration_s) * sample_rate_hz());
  const double first_s = std::max(static_cast<double>(start) / sample_rate_hz() - kHistoryS, 0.0);
  next_ = std::min(static_cast<std::int64_t>(first_s * input_->feature_rate_hz), total_);
  skip_ = start - static_cast<std::int64_t>(static_cast<double>(next_) * samples);
  position_ = start - skip_;
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
    if (skip_ > 0) {
      --skip_;
      continue;
    }
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
  state.position_s = static_cast<double>(position_ + skip_) / sample_rate_hz();
  return state;
}

}  // namespace ondes
