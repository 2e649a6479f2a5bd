#include "engine/plan/step_vocoder.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/error.h"

namespace ondes {
namespace {

class StepVocoder final : public BlockRunner {
 public:
  StepVocoder(std::unique_ptr<LaneRunner> lane,
              std::unique_ptr<BlockRunner> upsampler,
              const StepVocoderOptions& options)
      : lane_(std::move(lane)), upsampler_(std::move(upsampler)), options_(options) {
    if (options.row_features < 1 || options.hop_samples < 1 || options.max_block_frames < 1 ||
        (upsampler_ != nullptr && options.max_block_frames > upsampler_->max_block_frames())) {
      throw Error(ErrorCode::usage,
                  "step vocoder: expected features, a hop and blocks of at least 1, and no larger "
                  "blocks than the upsampler's");
    }
    starts_.resize(static_cast<std::size_t>(lane_->max_block_samples()));
    std::iota(starts_.begin(), starts_.end(), 0);
    max_output_frames_ = upsampler_ != nullptr ? upsampler_->max_output_frames()
                                               : options.max_block_frames * options.hop_samples;
    if (upsampler_ != nullptr) {
      rows_.allocate(max_output_frames_, options.row_features);
    }
  }

  void start(int /*stream*/) noexcept override {
    lane_->start(0);
    position_ = 0;
    if (upsampler_ != nullptr) {
      upsampler_->start(0);
    }
  }

  int process(int /*stream*/,
              std::span<const ConstFrames> inputs,
              Frames output) noexcept override {
    if (upsampler_ != nullptr) {
      return play_rows(upsampler_->process(0, inputs, rows_.view()), output);
    }
    const ConstFrames frames = inputs.front();
    for (int t = 0; t < frames.frames(); ++t) {
      play(frames.subview(t, 1), options_.hop_samples,
           output.subview(t * options_.hop_samples, options_.hop_samples));
    }
    return frames.frames() * options_.hop_samples;
  }

  int finish(int /*stream*/, Frames output) noexcept override {
    return upsampler_ != nullptr ? play_rows(upsampler_->finish(0, rows_.view()), output) : 0;
  }

  int max_streams() const noexcept override { return 1; }
  int max_block_frames() const noexcept override { return options_.max_block_frames; }
  int max_output_frames() const noexcept override { return max_output_frames_; }
  int latency_frames() const noexcept override {
    return upsampler_ != nullptr ? upsampler_->latency_frames() : 0;
  }
  void set_probe(BlockValueId /*value*/, std::vector<float>* /*frames*/) override {
    throw Error(ErrorCode::usage, "step vocoder: it has no values to look at");
  }
  std::string description() const override { return lane_->description(); }
  std::string failure() const override {
    const std::string lane = lane_->failure();
    return lane.empty() && upsampler_ != nullptr ? upsampler_->failure() : lane;
  }

 private:
  // One row a sample.
  int play_rows(int samples, Frames output) noexcept {
    const int most = lane_->max_block_samples();
    for (int t = 0; t < samples; t += most) {
      const int count = std::min(most, samples - t);
      play(ConstFrames(rows_.view()).subview(t, count), count, output.subview(t, count));
    }
    return samples;
  }

  // Rows that come into force at samples 0, 1, ... of these; the last one holds on.
  void play(ConstFrames rows, int samples, Frames output) noexcept {
    const int most = lane_->max_block_samples();
    for (int t = 0; t < samples; t += most) {
      const int count = std::min(most, samples - t);
      StepLane call;
      call.first_sample = position_;
      call.seed = options_.seed;
      call.temperature = options_.temperature;
      if (t == 0) {
        call.rows = rows;
        call.row_starts = std::span(starts_).first(static_cast<std::size_t>(rows.frames()));
      }
      call.output = {output.data() + t, static_cast<std::size_t>(count)};
      lane_->process({&call, 1}, count);
      position_ += count;
    }
  }

  std::unique_ptr<LaneRunner> lane_;
  std::unique_ptr<BlockRunner> upsampler_;
  StepVocoderOptions options_;
  Buffer rows_;
  std::vector<int> starts_;  // 0, 1, 2, ...
  int max_output_frames_ = 0;
  std::int64_t position_ = 0;
};

}  // namespace

std::unique_ptr<BlockRunner> make_step_vocoder(std::unique_ptr<LaneRunner> lane,
                                               std::unique_ptr<BlockRunner> upsampler,
                                               const StepVocoderOptions& options) {
  return std::make_unique<StepVocoder>(std::move(lane), std::move(upsampler), options);
}

}  // namespace ondes
