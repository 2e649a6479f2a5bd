#include "engine/lanes/rehearsal.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/lanes/sequencer.h"

namespace ondes {
namespace {

constexpr int kBlockSamples = 256;
constexpr int kBlocksBetweenQuestions = 64;

class SilentRunner : public LaneRunner {
 public:
  explicit SilentRunner(int max_lanes) : max_lanes_(max_lanes) {}
  void start(int) noexcept override {}
  void process(std::span<const StepLane> lanes, int) noexcept override {
    for (const StepLane& lane : lanes) {
      std::fill(lane.output.begin(), lane.output.end(), 0.0F);
    }
  }
  int max_lanes() const noexcept override { return max_lanes_; }
  int max_block_samples() const noexcept override { return kBlockSamples; }
  std::string description() const override { return "silence"; }

 private:
  int max_lanes_;
};

// More than times are rounded by; at the very sample the order of events would decide.
constexpr double kTimeSlackS = 0.001;

struct PedalHold {
  double down_s = 0.0;
  double up_s = 0.0;
};

// Of every channel, in order.
std::vector<std::vector<PedalHold>> pedal_holds(const Performance& performance, double length_s) {
  std::vector<std::vector<PedalHold>> holds(kChannels);
  std::array<bool, kChannels> down{};
  for (const PerformanceControl& control : performance.controls) {
    const auto c = static_cast<std::size_t>(control.channel % kChannels);
    const bool pedal = control.kind == ControlKind::sustain;
    if (!pedal && control.kind != ControlKind::reset) {
      continue;
    }
    const bool presses = pedal && control.value >= 0.5F;
    if (presses && !down[c]) {
      holds[c].push_back({control.time_s, length_s});
    } else if (!presses && down[c]) {
      holds[c].back().up_s = control.time_s;
    }
    down[c] = presses;
  }
  return holds;
}

// When the note is released, by key and pedal; no later than that.
double latest_release_s(const PerformanceNote& note, const std::vector<PedalHold>& holds) {
  const auto after =
      std::upper_bound(holds.begin(), holds.end(), note.release_s + kTimeSlackS,
                       [](double time_s, const PedalHold& hold) { return time_s < hold.down_s; });
  if (after == holds.begin()) {
    return note.release_s;
  }
  const PedalHold& hold = *std::prev(after);
  return hold.up_s >= note.release_s - kTimeSlackS ? std::max(hold.up_s, note.release_s)
                                                   : note.release_s;
}

// Without the notes whose lanes have ended when the score does.
Performance heard_at_the_end(const Performance& performance) {
  double length_s = performance.duration_s;
  for (const PerformanceControl& control : performance.controls) {
    length_s = std::max(length_s, control.time_s);
  }
  for (const PerformanceNote& note : performance.notes) {
    length_s = std::max(length_s, note.release_s);
  }
  const std::vector<std::vector<PedalHold>> holds = pedal_holds(performance, length_s);
  const double first_s = length_s - kMaximalReleaseS - 1.0;
  Performance result = performance;
  std::erase_if(result.notes, [&](const PerformanceNote& note) {
    return latest_release_s(note, holds[static_cast<std::size_t>(note.channel % kChannels)]) <
           first_s;
  });
  return result;
}

}  // namespace

Rehearsal rehearse(const Performance& performance,
                   const NotePlan& plan,
                   const NoteContract& contract,
                   const SynthOptions& options,
                   int max_lanes,
                   std::optional<std::int64_t> tail_samples,
                   const std::function<bool()>& keep_going) {
  SilentRunner runner(max_lanes);
  SynthOptions rehearsing = options;
  rehearsing.rehearsal = true;
  Synth synth(plan, contract, runner, rehearsing);
  Sequencer sequencer(performance, contract.sample_rate_hz);
  Buffer mix(kBlockSamples, 2);
  const auto ended = [&] {
    if (tail_samples) {
      return synth.position_samples() >= sequencer.length_samples() + *tail_samples;
    }
    return sequencer.finished() && synth.silent() &&
           synth.position_samples() >= sequencer.length_samples();
  };
  for (int block = 0; !ended(); ++block) {
    if (block % kBlocksBetweenQuestions == 0 && keep_going && !keep_going()) {
      throw Error(ErrorCode::interrupted, "interrupted while planning");
    }
    synth.process(sequencer.next(kBlockSamples), mix.view());
  }
  Rehearsal result;
  result.samples =
      tail_samples ? sequencer.length_samples() + *tail_samples : synth.position_samples();
  result.stats = synth.stats();
  return result;
}

std::int64_t sounding_samples(const Performance& performance,
                              const NotePlan& plan,
                              const NoteContract& contract,
                              const SynthOptions& options,
                              int max_lanes,
                              const std::function<bool()>& keep_going) {
  return rehearse(heard_at_the_end(performance), plan, contract, options, max_lanes, std::nullopt,
                  keep_going)
      .samples;
}

}  // namespace ondes
