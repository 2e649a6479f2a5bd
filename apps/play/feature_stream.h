// A mel or a sound through its voice, as a stereo source: the one channel on both sides. The voice is
// a block plan, or makes a sample a step (a WaveNet vocoder).
//
// From the beginning it gives the samples of an offline render. From elsewhere it begins a little
// earlier, unheard, so that the network's history is filled: that is done at set-up. Beyond the
// network's reach a block plan's samples are the same; what draws its samples draws other ones.
//
// Threads as StreamSource says.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/play/play_source.h"
#include "engine/buffer.h"
#include "engine/plan/block_runner.h"
#include "engine/stream/stream_source.h"

namespace ondes {

class FeatureStream : public StreamSource {
 public:
  // Throws as make_feature_machine() does.
  FeatureStream(std::shared_ptr<const Voice> voice,
                std::shared_ptr<const PlayInput> input,
                const PlaySettings& settings);

  int sample_rate_hz() const noexcept override { return voice_->file.sample_rate_hz; }
  int channels() const noexcept override { return 2; }
  int render(Frames out, std::int64_t stream_frame) noexcept override ONDES_REALTIME;
  void retire() noexcept override ONDES_REALTIME { retired_ = true; }
  void limit_lanes(int) noexcept override ONDES_REALTIME {}
  SourceState state() const noexcept override ONDES_REALTIME;
  std::string voice_name() const override { return voice_->file.name; }
  std::string failure() const override { return runner_->failure(); }

 private:
  static constexpr int kRetireFadeSamples = 1024;

  bool make_more() noexcept;
  void fill_history(std::int64_t start) noexcept;

  std::shared_ptr<const Voice> voice_;
  std::shared_ptr<const PlayInput> input_;
  std::unique_ptr<BlockRunner> runner_;
  float gain_;
  int block_frames_;           // of features, a call
  std::int64_t next_ = 0;      // feature frame
  std::int64_t total_;         // feature frames
  std::int64_t position_ = 0;  // sample of the output that is given next
  Buffer made_;
  int made_frames_ = 0;
  int taken_ = 0;
  bool retired_ = false;
  int faded_ = 0;
};

}  // namespace ondes
