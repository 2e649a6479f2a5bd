// A score through a synth, from any position, at any tempo, as a stream's source.
//
// From the beginning and at tempo 1 it gives the samples of an offline render. From elsewhere, the
// controllers are as they were there, and notes that began earlier are not heard.
//
// The end: after `total_samples`, or, without that number, when the score is over and no lane
// sounds.
//
// Threads as StreamSource says.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "engine/lanes/sequencer.h"
#include "engine/lanes/synth.h"
#include "engine/stream/stream_source.h"
#include "engine/stream/synth_voice.h"

namespace ondes {

struct ScorePosition {
  double start_s = 0.0;  // where in the score it begins
  double tempo = 1.0;    // 2: twice as fast
};

// The performance as it is heard from there: times shifted and scaled, earlier notes left out,
// earlier controllers gathered at the beginning. Throws Error{usage} unless tempo is in 0.1 .. 10.
Performance performance_from(const Performance& performance, const ScorePosition& position);

struct ScoreSourceOptions {
  SynthOptions synth;
  ScorePosition position;
  std::optional<std::int64_t> total_samples;
};

class ScoreSource : public StreamSource {
 public:
  // Throws as Synth and Sequencer do.
  ScoreSource(SynthVoice voice, const Performance& performance, const ScoreSourceOptions& options);

  int sample_rate_hz() const noexcept override { return voice_.contract->sample_rate_hz; }
  int channels() const noexcept override { return 2; }
  int render(Frames out, std::int64_t stream_frame) noexcept override ONDES_REALTIME;
  void retire() noexcept override ONDES_REALTIME;
  void limit_lanes(int lanes) noexcept override ONDES_REALTIME { synth_.limit_lanes(lanes); }
  SourceState state() const noexcept override ONDES_REALTIME;
  std::string voice_name() const override { return voice_.name; }
  std::string failure() const override { return voice_.runner->failure(); }

 private:
  bool ended() const noexcept;

  SynthVoice voice_;
  ScoreSourceOptions options_;
  Sequencer sequencer_;
  Synth synth_;
  bool retired_ = false;
};

}  // namespace ondes
