#include "engine/stream/score_source.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/error.h"

namespace ondes {
namespace {

// How finely the end without a given length is found; as the rehearsal of a render does.
constexpr int kEndStepSamples = 256;

}  // namespace

Performance performance_from(const Performance& performance, const ScorePosition& position) {
  if (!(position.tempo >= 0.1 && position.tempo <= 10.0)) {
    throw Error(ErrorCode::usage,
                "tempo: expected 0.1 to 10, found " + std::to_string(position.tempo));
  }
  if (position.start_s <= 0.0 && position.tempo == 1.0) {
    return performance;
  }
  const auto heard_at = [&](double time_s) {
    return std::max((time_s - position.start_s) / position.tempo, 0.0);
  };
  Performance result = performance;
  result.duration_s = heard_at(performance.duration_s);
  std::erase_if(result.notes,
                [&](const PerformanceNote& note) { return note.onset_s < position.start_s; });
  for (PerformanceNote& note : result.notes) {
    note.onset_s = heard_at(note.onset_s);
    note.release_s = heard_at(note.release_s);
  }
  for (PerformanceControl& control : result.controls) {
    control.time_s = heard_at(control.time_s);
  }
  return result;
}

ScoreSource::ScoreSource(SynthVoice voice,
                         const Performance& performance,
                         const ScoreSourceOptions& options)
    : voice_(std::move(voice)),
      options_(options),
      sequencer_(performance_from(performance, options.position), voice_.contract->sample_rate_hz),
      synth_(*voice_.plan, *voice_.contract, *voice_.runner, options.synth) {}

// The end is looked for on a grid, so that it does not hang on the block size.
bool ScoreSource::ended() const noexcept {
  if (options_.total_samples && synth_.position_samples() >= *options_.total_samples) {
    return true;
  }
  if (synth_.position_samples() % kEndStepSamples != 0) {
    return false;
  }
  if (retired_) {
    return synth_.silent();
  }
  return !options_.total_samples && sequencer_.finished() &&
         synth_.position_samples() >= sequencer_.length_samples() && synth_.silent();
}

int ScoreSource::render(Frames out, std::int64_t /*stream_frame*/) noexcept {
  int done = 0;
  while (done < out.frames() && !ended()) {
    std::int64_t count = out.frames() - done;
    if (options_.total_samples) {
      count = std::min(count, *options_.total_samples - synth_.position_samples());
    }
    count = std::min(count, kEndStepSamples - synth_.position_samples() % kEndStepSamples);
    const int samples = static_cast<int>(count);
    synth_.process(sequencer_.next(samples), out.subview(done, samples));
    done += samples;
  }
  return done;
}

void ScoreSource::retire() noexcept {
  retired_ = true;
  synth_.stop_onsets();
}

SourceState ScoreSource::state() const noexcept {
  SourceState state;
  state.position_s = options_.position.start_s + static_cast<double>(synth_.position_samples()) /
                                                     sample_rate_hz() * options_.position.tempo;
  state.speed = options_.position.tempo;
  state.lanes_now = synth_.stats().lanes_now;
  state.lanes_limit = synth_.lane_limit();
  state.lanes_most = voice_.runner->max_lanes();
  state.notes = synth_.stats().notes;
  state.stolen_notes = synth_.stats().stolen_notes;
  return state;
}

}  // namespace ondes
